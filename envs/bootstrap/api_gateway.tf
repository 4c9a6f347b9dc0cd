# API Gateway writes every API's access log with this one role, set once per account and region.
resource "aws_iam_role" "api_gateway_logs" {
  name        = "${var.project}-api-gateway-logs"
  description = "API Gateway writes access logs"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "apigateway.amazonaws.com" }
    }]
  })
}

resource "aws_iam_role_policy_attachment" "api_gateway_logs" {
  role       = aws_iam_role.api_gateway_logs.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  cloudwatch_role_arn = aws_iam_role.api_gateway_logs.arn

  # AWS tries the role before it takes it.
  depends_on = [aws_iam_role_policy_attachment.api_gateway_logs]
}
