locals {
  # What operations say beyond OpenAPI: docs/architecture.md, "A contract's own words".
  operations = merge([
    for path, methods in try(jsondecode(file("${var.build_dir}/openapi.json")).paths, {}) : {
      for method, operation in methods : "${upper(method)} ${path}" => {
        # API Gateway's name of a method, where a slash of the path is ~1.
        method_path = "${replace(path, "/", "~1")}/${upper(method)}"
        throttle    = lookup(operation, "x-atrium-throttle", null)
        api_key     = lookup(operation, "x-atrium-api-key", false)
      }
    }
  ]...)

  throttled = { for route, operation in local.operations : route => operation if operation.throttle != null }

  # Whoever may not read so often may not ask for the headers so often.
  throttled_heads = {
    for route, operation in local.throttled : replace(route, "/^GET /", "HEAD ") => merge(operation, {
      method_path = replace(operation.method_path, "/GET$/", "HEAD")
    }) if startswith(route, "GET ")
  }
}

# Execution logs stay off: they would hold bodies and tokens, and the access log names every error. Detailed metrics stay off:
# they are billed as custom metrics for each method, and no alarm or graph reads them (tests/infra/test_aws_rules.py).
resource "aws_api_gateway_method_settings" "all" {
  #checkov:skip=CKV_AWS_225:A cache would answer one person with another's record. ETags save the work instead.
  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = "*/*"

  settings {
    logging_level          = "OFF"
    metrics_enabled        = false
    throttling_burst_limit = var.throttling.burst_limit
    throttling_rate_limit  = var.throttling.rate_limit
  }
}

# A method with settings of its own inherits none of the stage's, so all are said again.
resource "aws_api_gateway_method_settings" "operation" {
  #checkov:skip=CKV_AWS_225:A cache would answer one person with another's record. ETags save the work instead.
  for_each = merge(local.throttled, local.throttled_heads)

  rest_api_id = aws_api_gateway_rest_api.this.id
  stage_name  = aws_api_gateway_stage.this.stage_name
  method_path = each.value.method_path

  settings {
    logging_level          = "OFF"
    metrics_enabled        = false
    throttling_burst_limit = each.value.throttle.burst
    throttling_rate_limit  = each.value.throttle.rate
  }

  # Set at the same time as the stage's, an operation's own have been lost until a second apply (provider #41104).
  depends_on = [aws_api_gateway_method_settings.all]
}

# Who may call the operations that want an API key, and how often. The keys themselves are made for each client outside
# Terraform, whose state would hold them: docs/runbooks/api-keys.md has the commands.
resource "aws_api_gateway_usage_plan" "this" {
  for_each = toset(anytrue([for operation in local.operations : operation.api_key]) ? ["api"] : [])

  name        = var.name
  description = "Clients of ${var.name} that hold an API key"

  api_stages {
    api_id = aws_api_gateway_rest_api.this.id
    stage  = aws_api_gateway_stage.this.stage_name
  }

  throttle_settings {
    burst_limit = var.throttling.burst_limit
    rate_limit  = var.throttling.rate_limit
  }
}
