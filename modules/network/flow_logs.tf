locals {
  flow_logs = var.flow_logs == null ? {} : { vpc = var.flow_logs }
}

data "aws_caller_identity" "current" {}

resource "aws_cloudwatch_log_group" "flow_logs" {
  for_each = local.flow_logs

  name              = "/aws/vpc/${var.name}-flow-logs"
  retention_in_days = each.value.retention_days
  kms_key_id        = each.value.kms_key_arn
}

resource "aws_flow_log" "this" {
  for_each = local.flow_logs

  vpc_id               = aws_vpc.this.id
  traffic_type         = each.value.traffic
  log_destination_type = "cloud-watch-logs"
  log_destination      = aws_cloudwatch_log_group.flow_logs[each.key].arn
  iam_role_arn         = aws_iam_role.flow_logs[each.key].arn

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_iam_role" "flow_logs" {
  for_each = local.flow_logs

  name                 = "${var.name}-flow-logs"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "vpc-flow-logs.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "flow_logs" {
  for_each = local.flow_logs

  name = "write-flow-logs"
  role = aws_iam_role.flow_logs[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.flow_logs[each.key].arn}:*"
      },
      # One of the permissions that AWS's VPC guide calls the least, in "IAM role for publishing flow logs"; a list, so of every group.
      { Effect = "Allow", Action = "logs:DescribeLogGroups", Resource = "*" },
    ]
  })
}
