locals {
  gateway_body = templatefile("${var.build_dir}/gateway.json", {
    invoke_arns   = { for folder, alias in aws_lambda_alias.live : folder => alias.invoke_arn }
    user_pool_arn = local.user_pool_arn
    problem_types = local.problem_types
  })
}

locals {
  public_facts = merge(
    { rate_limit = tostring(var.throttling.rate_limit), burst_limit = tostring(var.throttling.burst_limit) },
    var.user_pool == null ? {} : {
      user_pool_id    = split("/", var.user_pool.arn)[1]
      client_id       = var.user_pool.client_id
      hosted_page_url = var.user_pool.hosted_page_url
      token_url       = var.user_pool.token_url
    },
  )
}

resource "aws_api_gateway_rest_api" "this" {
  #checkov:skip=CKV_AWS_237:A new API would have another address, so it must never be replaced quietly; the body changes it in place.
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
  #checkov:skip=CKV_AWS_158:Set by logs.kms_key_arn. Without it CloudWatch Logs encrypts with a key of its own.
  #checkov:skip=CKV_AWS_338:Set by logs.retention_days. dev forgets after two weeks, prod after a year.
  name              = "/aws/apigateway/${var.name}"
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}

# Access logs need the account's API Gateway role, which envs/bootstrap makes.
resource "aws_api_gateway_stage" "this" {
  #checkov:skip=CKV_AWS_120:A cache would answer one person with another's record, and costs by the hour. ETags save the work instead.
  #checkov:skip=CKV2_AWS_4:Execution logs would hold bodies and tokens; the access log below names every error.
  #checkov:skip=CKV2_AWS_29:Set by `waf`. A firewall has a monthly price, so dev has none.
  #checkov:skip=CKV2_AWS_51:Callers prove themselves by token. A client certificate proves API Gateway to an HTTP backend; ours is Lambda.
  #checkov:skip=CKV2_AWS_77:waf.tf has AWSManagedRulesKnownBadInputsRuleSet, which holds Log4JRCE; checkov does not follow its map.
  rest_api_id          = aws_api_gateway_rest_api.this.id
  deployment_id        = aws_api_gateway_deployment.this.id
  stage_name           = var.stage
  xray_tracing_enabled = true

  # What GET /v1/configuration tells applications. Not in a function's environment: the pool waits for the functions.
  variables = { for name, value in local.public_facts : name => value if value != null }

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

resource "aws_lambda_permission" "api" {
  for_each = { for folder, function in local.functions : folder => function if function.trigger == "api" }

  statement_id  = "ApiGateway"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  source_arn    = "${aws_api_gateway_rest_api.this.execution_arn}/${var.stage}/*"
  function_name = aws_lambda_function.this[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name
}
