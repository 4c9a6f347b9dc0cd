# The REST API out of the gateway body, planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  throttling = { rate_limit = 7, burst_limit = 9 }
}

override_resource {
  target          = aws_cloudwatch_log_group.function["profile"]
  override_during = plan
  values          = { arn = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/atrium-test-profile" }
}

override_resource {
  target          = aws_lambda_alias.live["migrate"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-migrate:live" }
}

override_resource {
  target          = aws_lambda_alias.live["roles"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-roles:live" }
}

override_resource {
  target          = aws_lambda_alias.live["greeting"]
  override_during = plan
  values          = { invoke_arn = "arn:of:greeting" }
}

override_resource {
  target          = aws_lambda_alias.live["profile"]
  override_during = plan
  values          = { invoke_arn = "arn:of:profile" }
}

override_resource {
  target          = aws_api_gateway_rest_api.this
  override_during = plan
  values          = { id = "api", execution_arn = "arn:aws:execute-api:eu-central-1:000000000000:api" }
}

override_resource {
  target          = aws_api_gateway_domain_name.this["api"]
  override_during = plan
  values          = { regional_domain_name = "d-0a.execute-api.eu-central-1.amazonaws.com", regional_zone_id = "Z0A" }
}

override_resource {
  target          = aws_wafv2_web_acl.this["api"]
  override_during = plan
  values          = { arn = "arn:aws:wafv2:eu-central-1:000000000000:regional/webacl/atrium-test/0a" }
}

run "routes_stage_firewall_domain_and_alarms" {
  command = plan

  variables {
    alarms_topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms"
    custom_domain    = { domain_name = "api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:000000000000:certificate/0a" }
    waf              = { requests_per_address = 500 }
  }

  assert {
    condition = [for path in values(jsondecode(aws_api_gateway_rest_api.this.body).paths) : path.get["x-amazon-apigateway-integration"].uri] == [
      "arn:of:greeting", "arn:of:profile"
    ]
    error_message = "Every operation of the body points at the alias of its function."
  }

  assert {
    condition     = jsondecode(aws_api_gateway_rest_api.this.body).components.securitySchemes.cognito["x-amazon-apigateway-authorizer"].providerARNs == [var.user_pool.arn]
    error_message = "The authorizer takes tokens of our pool."
  }

  assert {
    condition     = aws_api_gateway_rest_api.this.put_rest_api_mode == "overwrite" && aws_api_gateway_rest_api.this.fail_on_warnings
    error_message = "The body replaces the API whole, and nothing of it is dropped in silence."
  }

  assert {
    condition     = aws_api_gateway_deployment.this.triggers.redeploy == sha1(aws_api_gateway_rest_api.this.body)
    error_message = "Another body is another deployment."
  }

  assert {
    condition = { for folder, permission in aws_lambda_permission.api : folder => [permission.function_name, permission.qualifier, permission.source_arn] } == {
      greeting = ["atrium-test-greeting", "live", "arn:aws:execute-api:eu-central-1:000000000000:api/test/*"]
      profile  = ["atrium-test-profile", "live", "arn:aws:execute-api:eu-central-1:000000000000:api/test/*"]
    }
    error_message = "This API's stage may call the alias live of functions with routes, and of no others."
  }

  assert {
    condition     = aws_api_gateway_stage.this.stage_name == "test" && aws_api_gateway_stage.this.xray_tracing_enabled
    error_message = "The stage bears the environment's name and is traced."
  }

  assert {
    condition     = alltrue([for field in ["request_id", "status", "route", "uid", "authorizer_error"] : contains(keys(jsondecode(aws_api_gateway_stage.this.access_log_settings[0].format)), field)])
    error_message = "The access log is JSON and says who, what and why not."
  }

  assert {
    condition     = aws_api_gateway_method_settings.all.method_path == "*/*" && aws_api_gateway_method_settings.all.settings[0].throttling_rate_limit == 7 && aws_api_gateway_method_settings.all.settings[0].throttling_burst_limit == 9
    error_message = "The whole stage is throttled."
  }

  assert {
    condition = { for route, method in aws_api_gateway_method_settings.operation : route => [method.method_path, method.settings[0].throttling_rate_limit, method.settings[0].throttling_burst_limit, method.settings[0].logging_level, method.settings[0].metrics_enabled] } == {
      "GET /v1/greeting"  = ["~1v1~1greeting/GET", 0.5, 2, "OFF", false]
      "HEAD /v1/greeting" = ["~1v1~1greeting/HEAD", 0.5, 2, "OFF", false]
    }
    error_message = "An operation that says so in its contract has limits of its own, as GET and as HEAD, and the stage's other settings."
  }

  assert {
    condition = aws_api_gateway_stage.this.variables == tomap({
      burst_limit  = "9"
      client_id    = "1example23456789"
      rate_limit   = "7"
      token_url    = "https://atrium-test.auth.eu-central-1.amazoncognito.com/oauth2/token"
      user_pool_id = "eu-central-1_pool"
    })
    error_message = "The stage's variables hold what GET /v1/configuration tells, and nothing that is not set."
  }

  assert {
    condition     = one([for rule in aws_wafv2_web_acl.this["api"].rule : rule.statement[0].rate_based_statement[0].limit if rule.name == "requests-per-address"]) == 500 && length(aws_wafv2_web_acl.this["api"].rule) == 4
    error_message = "The firewall limits what one address sends, beside AWS's three rule groups."
  }

  assert {
    condition = (
      length(aws_wafv2_web_acl_association.this) == 1 && aws_cloudwatch_log_group.waf["api"].name == "aws-waf-logs-atrium-test" &&
      one(aws_wafv2_web_acl_logging_configuration.this["api"].redacted_fields).single_header[0].name == "authorization" && aws_wafv2_web_acl_logging_configuration.this["api"].logging_filter[0].default_behavior == "DROP"
    )
    error_message = "The firewall stands before the stage and logs what it stopped, without tokens."
  }

  assert {
    condition = (
      aws_api_gateway_domain_name.this["api"].security_policy == "TLS_1_2" && aws_api_gateway_domain_name.this["api"].regional_certificate_arn == var.custom_domain.certificate_arn &&
      aws_api_gateway_base_path_mapping.this["api"].stage_name == "test" && aws_api_gateway_base_path_mapping.this["api"].base_path == null &&
      output.domain_target == "d-0a.execute-api.eu-central-1.amazonaws.com" && output.domain_target_zone_id == "Z0A"
    )
    error_message = "The API answers under its own name, at the root, by TLS 1.2."
  }

  assert {
    condition = { for metric in ["Errors", "Throttles", "Duration"] : metric => [
      aws_cloudwatch_metric_alarm.function["profile/${metric}"].threshold, aws_cloudwatch_metric_alarm.function["profile/${metric}"].dimensions.FunctionName
      ] } == { Errors = [1, "atrium-test-profile"], Throttles = [1, "atrium-test-profile"], Duration = [13500, "atrium-test-profile"] } && (
      length(aws_cloudwatch_metric_alarm.function) == 27
    )
    error_message = "Every function has an alarm on errors, on throttles and on nine tenths of its timeout."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters["sign_out"].metric_name == "ApproximateNumberOfMessagesVisible" && aws_cloudwatch_metric_alarm.dead_letters["sign_out"].dimensions == tomap({ QueueName = "atrium-test-sign_out-dead-letters" })
    error_message = "A dead-letter queue has an alarm on its first message."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.api_p99["api"].metric_name == "Latency" && aws_cloudwatch_metric_alarm.api_p99["api"].extended_statistic == "p99" && aws_cloudwatch_metric_alarm.api_p99["api"].dimensions == tomap({ ApiName = "atrium-test", Stage = "test" })
    error_message = "The API has an alarm on its p99."
  }

  assert {
    condition = alltrue([for alarm in concat(
      values(aws_cloudwatch_metric_alarm.function), values(aws_cloudwatch_metric_alarm.dead_letters), values(aws_cloudwatch_metric_alarm.api_5xx), values(aws_cloudwatch_metric_alarm.api_p99)
    ) : alarm.alarm_actions == toset([var.alarms_topic_arn]) && alarm.ok_actions == toset([var.alarms_topic_arn])])
    error_message = "Every alarm tells the topic, and that it is over."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.api_5xx["api"].metric_name == "5XXError" && aws_cloudwatch_metric_alarm.api_5xx["api"].dimensions == tomap({ ApiName = "atrium-test", Stage = "test" }) && aws_cloudwatch_metric_alarm.api_5xx["api"].alarm_actions == toset([var.alarms_topic_arn])
    error_message = "The API has an alarm on 5xx."
  }
}

run "a_body_without_a_service_has_neither_its_route_nor_its_function" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/one/functions"
    build_dir     = "./tests/fixtures/one/artefacts"
  }

  assert {
    condition = (
      keys(jsondecode(aws_api_gateway_rest_api.this.body).paths) == ["/v1/greeting"] && keys(aws_lambda_function.this) == ["greeting"] &&
      keys(aws_iam_role.function) == ["greeting"] && keys(aws_cloudwatch_log_group.function) == ["greeting"] && keys(aws_lambda_permission.api) == ["greeting"]
    )
    error_message = "Functions, roles, log groups, permissions and routes come from the folders alone."
  }

  assert {
    condition     = one(aws_api_gateway_usage_plan.this["api"].api_stages).stage == "test" && one(aws_api_gateway_usage_plan.this["api"].throttle_settings).rate_limit == 7
    error_message = "An operation that wants an API key makes the usage plan."
  }
}
