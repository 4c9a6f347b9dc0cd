# Folders of fixtures/services, planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  environment = { greeting = { GREETING = "Good day" } }
  logs        = { retention_days = 7, kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/logs" }
  runtime     = { reserved_concurrency = { profile = 3 }, snap_start = true }
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
  target          = aws_sqs_queue.dead_letters["sign_out"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-sign_out-dead-letters" }
}

override_resource {
  target          = aws_cloudwatch_event_bus.events["events"]
  override_during = plan
  values          = { arn = "arn:aws:events:eu-central-1:000000000000:event-bus/atrium-test-events" }
}

override_resource {
  target          = aws_lambda_layer_version.this["kernel"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:layer:atrium-test-kernel:1" }
}

override_resource {
  target          = aws_lambda_layer_version.this["sdk"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:layer:atrium-test-sdk:1" }
}

run "layers_by_what_is_touched" {
  command = plan

  variables {
    runtime = { reserved_concurrency = {}, snap_start = false }
  }

  assert {
    condition = alltrue([
      for folder, function in aws_lambda_function.this : function.layers == tolist(concat(
        [aws_lambda_layer_version.this["kernel"].arn],
        contains(["greeting", "migrate", "outcomes", "relay"], folder) ? [] : [aws_lambda_layer_version.this["sdk"].arn],
      ))
    ])
    error_message = "Only functions that touch more than Postgres have AWS's SDK."
  }
}

run "code_from_a_bucket" {
  command = plan

  variables {
    runtime = { code_bucket = "atrium-code", docs_url = "https://docs.example.org/atrium", snap_start = true }
  }

  assert {
    condition = alltrue([
      for folder, function in aws_lambda_function.this :
      function.filename == null && function.s3_bucket == "atrium-code" && function.s3_key == "functions/${folder}.zip" && function.source_code_hash != ""
    ])
    error_message = "With runtime.code_bucket every function comes from it, and a new zip is still a change."
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : function.environment[0].variables.PROBLEM_TYPES == "https://docs.example.org/atrium/errors.html#"])
    error_message = "With docs_url the type of an error is an anchor of its page of errors."
  }
}

run "roles_that_need_mfa" {
  command = plan

  assert {
    condition = alltrue([
      for function in values(aws_lambda_function.this) :
      contains(keys(function.environment[0].variables), "USER_ATTRIBUTES_TABLE") == contains(keys(function.environment[0].variables), "MFA_ROLES")
    ])
    error_message = "Every function that reads rights from the table knows the roles that need MFA."
  }
}

run "functions_as_their_folders_declare_them" {
  command = plan

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : contains(function.layers, aws_lambda_layer_version.this["sdk"].arn)])
    error_message = "With snap_start every function needs AWS's SDK for its role's keys."
  }

  assert {
    condition = output.functions == {
      for folder in ["commands", "credentials", "greeting", "migrate", "outcomes", "profile", "relay", "roles", "sign_out"] : folder => "atrium-test-${folder}"
    }
    error_message = "Every folder with a function.yaml is a function <name>-<folder>."
  }

  assert {
    condition     = aws_lambda_function.this["profile"].memory_size == 512 && aws_lambda_function.this["profile"].timeout == 15
    error_message = "memory and timeout come from function.yaml."
  }

  assert {
    condition     = aws_lambda_function.this["greeting"].memory_size == 256 && aws_lambda_function.this["greeting"].timeout == 10
    error_message = "memory is 256 MB and timeout 10 s where function.yaml does not say."
  }

  assert {
    condition = alltrue([
      for folder, function in aws_lambda_function.this :
      function.runtime == "python3.13" && function.architectures == tolist(["arm64"]) && function.handler == "${folder}.handler.handler" && function.publish
    ])
    error_message = "Every function runs <folder>.handler.handler on Python 3.13, arm64, and publishes a version."
  }

  assert {
    condition     = alltrue([for folder, function in aws_lambda_function.this : function.tracing_config[0].mode == "Active" && length(function.vpc_config) == (contains(["commands", "credentials", "sign_out"], folder) ? 0 : 1)])
    error_message = "Every function is traced, and stands in the VPC unless it says vpc: false."
  }

  assert {
    condition     = aws_lambda_function.this["profile"].replace_security_groups_on_destroy && aws_lambda_function.this["sign_out"].replace_security_groups_on_destroy == null
    error_message = "A function in the VPC gives its security groups up when it is destroyed."
  }

  assert {
    condition     = aws_lambda_function.this["profile"].source_code_hash == filebase64sha256("./tests/fixtures/services/artefacts/functions/profile.zip")
    error_message = "A function is bound to the bytes of its zip."
  }

  assert {
    condition     = alltrue([for function in aws_lambda_function.this : function.snap_start[0].apply_on == "PublishedVersions"])
    error_message = "With snap_start, published versions start from a snapshot."
  }

  assert {
    condition     = aws_lambda_function.this["profile"].reserved_concurrent_executions == 3 && aws_lambda_function.this["greeting"].reserved_concurrent_executions == -1
    error_message = "Executions are kept for the functions named, and for no others."
  }

  assert {
    condition     = alltrue([for group in concat(values(aws_cloudwatch_log_group.function), [aws_cloudwatch_log_group.access]) : group.retention_in_days == 7 && group.kms_key_id == var.logs.kms_key_arn])
    error_message = "Every log group has the retention and the key of `logs`."
  }

  assert {
    condition     = keys(aws_sqs_queue.dead_letters) == ["commands", "outcomes", "relay", "sign_out"] && keys(aws_lambda_function_event_invoke_config.this) == ["relay", "sign_out"]
    error_message = "Only functions that nobody waits for have a dead-letter queue."
  }

  assert {
    condition = (
      aws_lambda_function_event_invoke_config.this["sign_out"].maximum_retry_attempts == 1 && aws_lambda_function_event_invoke_config.this["sign_out"].maximum_event_age_in_seconds == 21600 &&
      aws_lambda_function_event_invoke_config.this["sign_out"].qualifier == "live" &&
      aws_lambda_function_event_invoke_config.this["sign_out"].destination_config[0].on_failure[0].destination == "arn:aws:sqs:eu-central-1:000000000000:atrium-test-sign_out-dead-letters"
    )
    error_message = "Retries and age come from function.yaml, or are Lambda's; what still fails goes to the queue."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.dead_letters["sign_out"].policy).Statement == [{
      Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-sign_out-dead-letters"
    }]
    error_message = "Such a function may send to its own queue."
  }

  assert {
    condition     = alltrue([for alias in aws_lambda_alias.live : alias.name == "live"])
    error_message = "Every function has the alias live."
  }

  assert {
    condition     = aws_cloudwatch_log_group.function["profile"].name == "/aws/lambda/atrium-test-profile" && length(aws_cloudwatch_log_group.function) == 9
    error_message = "Every function has its own log group, with the name Lambda writes to."
  }

  assert {
    condition     = output.cognito_triggers == { PreTokenGeneration = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-roles:live" }
    error_message = "cognito_triggers names the aliases of functions with a cognito trigger, and no others."
  }

  assert {
    condition     = aws_lambda_function.this["greeting"].environment[0].variables == tomap({ ATRIUM_SERVICE = "greeting", ATRIUM_STAGE = "test", GREETING = "Good day" })
    error_message = "A function that declares no data knows its name, its stage and its own settings, nothing else."
  }

  assert {
    condition = aws_lambda_function.this["profile"].environment[0].variables == tomap({
      ATRIUM_SERVICE        = "profile", ATRIUM_STAGE = "test", DB_HOST = "proxy.test", DB_NAME = "atrium", DB_PORT = "5432", DB_USER = "app",
      USER_ATTRIBUTES_TABLE = "atrium-test-UserAttributes", REFRESH_TOKEN_DAYS = "30", MFA_ROLES = "admin auditor",
    })
    error_message = "What declares postgres and user_attributes knows where they are."
  }

  assert {
    condition     = aws_lambda_function.this["migrate"].environment[0].variables["DB_USER"] == "migrator"
    error_message = "DB_USER is the first user declared."
  }

  assert {
    condition = (
      aws_lambda_function.this["credentials"].environment[0].variables["DATABASE_SECRETS"] == jsonencode(var.postgres.secret_arns) &&
      aws_lambda_function.this["credentials"].environment[0].variables["MIGRATE_FUNCTION"] == "atrium-test-migrate:live"
    )
    error_message = "What writes the database secrets knows their ARNs and the function that takes the verifiers."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.logs["profile"].policy).Statement == [{
      Effect = "Allow", Action = ["logs:CreateLogStream", "logs:PutLogEvents"], Resource = "arn:aws:logs:eu-central-1:000000000000:log-group:/aws/lambda/atrium-test-profile:*"
    }]
    error_message = "A function writes to its own log group only, and cannot create one."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.tracing["profile"].policy).Statement == [{
      Effect = "Allow", Action = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], Resource = "*"
    }]
    error_message = "A function may send traces."
  }

  assert {
    condition     = keys(aws_iam_role_policy.vpc) == ["greeting", "migrate", "outcomes", "profile", "relay", "roles"]
    error_message = "Only functions in the VPC may make network interfaces."
  }

  assert {
    condition = alltrue([
      for action in jsondecode(aws_iam_role_policy.vpc["profile"].policy).Statement[0].Action : can(regex("^ec2:.*(NetworkInterfaces?|Subnets|PrivateIpAddresses)$", action))
    ])
    error_message = "The VPC policy is about network interfaces."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.postgres : folder => jsondecode(policy.policy).Statement } == {
      migrate = [{
        Effect = "Allow", Action = "rds-db:connect"
        Resource = [
          "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/migrator", "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/postgres",
        ]
      }]
      outcomes = [{ Effect = "Allow", Action = "rds-db:connect", Resource = ["arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/app"] }]
      profile  = [{ Effect = "Allow", Action = "rds-db:connect", Resource = ["arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a/app"] }]
    }
    error_message = "A function connects as the users it declares, to this proxy, and no others."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.user_attributes : folder => jsondecode(policy.policy).Statement } == {
      profile = [
        {
          Sid       = "Read", Effect = "Allow", Action = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["R#*", "U#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
        {
          Sid       = "Put", Effect = "Allow", Action = ["dynamodb:PutItem"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["AUDIT#*", "U#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
        {
          Sid       = "Update", Effect = "Allow", Action = ["dynamodb:UpdateItem"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["R#admin", "S#*", "U#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
        {
          Sid       = "Delete", Effect = "Allow", Action = ["dynamodb:DeleteItem"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["U#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
        {
          Sid       = "GSI1", Effect = "Allow", Action = ["dynamodb:Query"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes/index/GSI1"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["ROLE#*", "ROLES"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
        {
          Sid       = "GSI2", Effect = "Allow", Action = ["dynamodb:Query"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes/index/GSI2"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["EXP#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
      ]
      roles = [
        {
          Sid       = "Read", Effect = "Allow", Action = ["dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"]
          Resource  = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-test-UserAttributes"
          Condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["U#*"] }, Null = { "dynamodb:LeadingKeys" = "false" } }
        },
      ]
    }
    error_message = "A function reads and writes the partitions that it declares, and queries an index by the keys of that index."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.cognito : folder => jsondecode(policy.policy).Statement } == {
      commands = [{ Effect = "Allow", Action = ["cognito-idp:AdminCreateUser"], Resource = var.user_pool.arn }]
      sign_out = [{ Effect = "Allow", Action = ["cognito-idp:AdminGetUser", "cognito-idp:AdminUserGlobalSignOut"], Resource = var.user_pool.arn }]
    }
    error_message = "A function takes the actions it declares, on our pool."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.mails : folder => jsondecode(policy.policy).Statement } == {
      commands = [{
        Effect    = "Allow", Action = "ses:SendEmail", Resource = var.user_pool.email_sender.identity_arn
        Condition = { StringEquals = { "ses:FromAddress" = "no-reply@example.org" } }
      }]
    }
    error_message = "Only a function that declares mails sends them, from the address of the sender."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.event_bus : folder => jsondecode(policy.policy).Statement } == {
      sign_out = [{ Effect = "Allow", Action = "events:PutEvents", Resource = "arn:aws:events:eu-central-1:000000000000:event-bus/atrium-test-events" }]
    }
    error_message = "Only what declares event_bus puts events, on our bus."
  }

  assert {
    condition     = { for folder, function in aws_lambda_function.this : folder => function.environment[0].variables.EVENT_BUS if can(function.environment[0].variables.EVENT_BUS) } == { sign_out = "atrium-test-events" }
    error_message = "A publisher finds the bus in its environment."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.database_secrets : folder => jsondecode(policy.policy).Statement } == {
      credentials = [{
        Effect   = "Allow", Action = ["secretsmanager:DescribeSecret", "secretsmanager:PutSecretValue"]
        Resource = ["arn:aws:secretsmanager:eu-central-1:000000000000:secret:app", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:migrator"]
      }]
    }
    error_message = "Only what declares database_secrets writes them, and nobody reads them."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.invoke : folder => jsondecode(policy.policy).Statement } == {
      credentials = [{ Effect = "Allow", Action = "lambda:InvokeFunction", Resource = ["arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-migrate:live"] }]
    }
    error_message = "A function invokes the alias live of those it declares."
  }

  assert {
    condition = jsondecode(aws_iam_role.function["profile"].assume_role_policy).Statement == [{
      Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" }
    }]
    error_message = "Only Lambda takes a function's role."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.functions_to_dynamodb[0].prefix_list_id == "pl-0a" && aws_vpc_security_group_egress_rule.functions_to_dynamodb[0].from_port == 443 &&
      aws_vpc_security_group_egress_rule.functions_to_dynamodb[0].to_port == 443 && aws_vpc_security_group_egress_rule.functions_to_dynamodb[0].cidr_ipv4 == null
    )
    error_message = "Functions reach DynamoDB and nothing else."
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.postgres_clients_to_proxy[0].referenced_security_group_id == "sg-0a" &&
      aws_vpc_security_group_egress_rule.postgres_clients_to_proxy[0].from_port == 5432 && aws_vpc_security_group_egress_rule.postgres_clients_to_proxy[0].cidr_ipv4 == null
    )
    error_message = "Functions that declare postgres reach the proxy."
  }

  assert {
    condition = (
      length(aws_wafv2_web_acl.this) == 0 && length(aws_cloudwatch_log_group.waf) == 0 && length(aws_api_gateway_usage_plan.this) == 0 && length(aws_api_gateway_domain_name.this) == 0 &&
      length(aws_cloudwatch_metric_alarm.function) == 0 && length(aws_cloudwatch_metric_alarm.dead_letters) == 0 && length(aws_cloudwatch_metric_alarm.iterator_age) == 0 && length(aws_cloudwatch_metric_alarm.api_5xx) == 0 && length(aws_cloudwatch_metric_alarm.api_p99) == 0
    )
    error_message = "Firewall, usage plan, domain and alarms are left out unless asked for."
  }
}
