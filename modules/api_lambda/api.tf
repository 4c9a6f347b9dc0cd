locals {
  gateway_body = templatefile("${var.build_dir}/gateway.json", {
    invoke_arns   = { for folder, alias in aws_lambda_alias.live : folder => alias.invoke_arn }
    user_pool_arn = var.user_pool_arn
  })
}

resource "aws_api_gateway_rest_api" "this" {
  name              = var.name
  body              = local.gateway_body
  put_rest_api_mode = "overwrite"
  fail_on_warnings  = true

  endpoint_configuration {
    types = ["REGIONAL"]
  }
}

resource "aws_api_gateway_deployment" "this" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  triggers    = { redeploy = sha1(local.gateway_body) }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudwatch_log_group" "access" {
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

# Access logs need the account's API Gateway role, which envs/bootstrap makes.
resource "aws_api_gateway_stage" "this" {
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage
  xray_tracing_enabled = true

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.access.arn
    format = jsonencode({
      authorizer_error    = "$context.authorizer.error"
      error               = "$context.error.message"
      integration_error   = "$context.integrationErrorMessage"
      integration_latency = "$context.integrationLatency"
      ip                  = "$context.identity.sourceIp"
      latency             = "$context.responseLatency"
      length              = "$context.responseLength"
      method              = "$context.httpMethod"
      request_id          = "$context.requestId"
      route               = "$context.resourcePath"
      status              = "$context.status"
      time                = "$context.requestTimeEpoch"
      trace_id            = "$context.xrayTraceId"
      uid                 = "$context.authorizer.claims.uid"
    })
  }
}

# Execution logs stay off: they would hold bodies and tokens, and the access log names every error.
resource "aws_api_gateway_method_settings" "all" {
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    logging_level          = "OFF"
    metrics_enabled        = true
    throttling_burst_limit = var.throttling.burst_limit
    throttling_rate_limit  = var.throttling.rate_limit
  }
}

resource "aws_lambda_permission" "api" {
  for_each = { for folder, function in local.functions : folder => function if function.trigger == "api" }

  statement_id  = "ApiGateway"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage}/*"
  function_name = aws_lambda_function.this[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name
}
