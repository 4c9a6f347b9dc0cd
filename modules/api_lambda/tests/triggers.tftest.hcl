# Functions that the table's stream or a clock calls: folders of fixtures/services, planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  alarms_topic_arn = "arn:aws:sns:eu-central-1:000000000000:alarms"
}

override_resource {
  target          = aws_lambda_alias.live["commands"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-commands:live" }
}

override_resource {
  target          = aws_sqs_queue.dead_letters["commands"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-commands-dead-letters" }
}

override_resource {
  target          = aws_lambda_alias.live["outcomes"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-outcomes:live" }
}

override_resource {
  target          = aws_sqs_queue.dead_letters["outcomes"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-outcomes-dead-letters" }
}

override_resource {
  target          = aws_lambda_alias.live["relay"]
  override_during = plan
  values          = { arn = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-relay:live" }
}

override_resource {
  target          = aws_sqs_queue.dead_letters["relay"]
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-relay-dead-letters" }
}

override_resource {
  target          = aws_cloudwatch_event_rule.schedule["relay"]
  override_during = plan
  values          = { arn = "arn:aws:events:eu-central-1:000000000000:rule/atrium-test-relay" }
}

override_resource {
  target          = aws_ssm_parameter.this["user_pool_id"]
  override_during = plan
  values          = { arn = "arn:aws:ssm:eu-central-1:000000000000:parameter/atrium/test/user_pool_id" }
}

run "stream_and_schedule" {
  command = plan

  assert {
    condition = { for folder, mapping in aws_lambda_event_source_mapping.stream : folder => [mapping.event_source_arn, mapping.function_name] } == {
      for folder in ["commands", "outcomes"] : folder => [var.user_attributes.stream_arn, "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-${folder}:live"]
    }
    error_message = "The stream calls the alias live of the functions that ask for it."
  }

  assert {
    condition = { for folder, mapping in aws_lambda_event_source_mapping.stream : folder => toset(mapping.filter_criteria[0].filter[*].pattern) } == {
      commands = toset([jsonencode({ eventName = ["INSERT"], dynamodb = { Keys = { pk = { S = [{ prefix = "C#" }] } } } })])
      outcomes = toset([
        jsonencode({ eventName = ["INSERT", "MODIFY"], dynamodb = { NewImage = { sk = { S = ["OUTCOME"] } } } }),
        jsonencode({ eventName = ["REMOVE"], userIdentity = { type = ["Service"], principalId = ["dynamodb.amazonaws.com"] } }),
      ])
    }
    error_message = "Each hears the records that match one of its filters, and no others."
  }

  assert {
    condition = alltrue([for mapping in aws_lambda_event_source_mapping.stream : (
      mapping.starting_position == "TRIM_HORIZON" && mapping.batch_size == 100 && mapping.parallelization_factor == 1 && mapping.bisect_batch_on_function_error &&
      mapping.maximum_retry_attempts == 10 && mapping.maximum_record_age_in_seconds == 3600 && mapping.function_response_types == toset(["ReportBatchItemFailures"])
    )])
    error_message = "No record is missed, nor tried for ever; a bad one is found by halving, and only what failed is tried again."
  }

  assert {
    condition = { for folder, mapping in aws_lambda_event_source_mapping.stream : folder => mapping.destination_config[0].on_failure[0].destination_arn } == {
      for folder in ["commands", "outcomes"] : folder => "arn:aws:sqs:eu-central-1:000000000000:atrium-test-${folder}-dead-letters"
    }
    error_message = "What still fails goes to the function's own queue."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.stream : folder => jsondecode(policy.policy).Statement } == {
      for folder in ["commands", "outcomes"] : folder => [
        {
          Effect   = "Allow", Action = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
          Resource = var.user_attributes.stream_arn
        },
        { Effect = "Allow", Action = "dynamodb:ListStreams", Resource = "*" },
      ]
    }
    error_message = "Such a function may read the stream, and nothing of the table by that."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.dead_letters : folder => jsondecode(policy.policy).Statement if folder != "sign_out" } == {
      for folder in ["commands", "outcomes", "relay"] : folder => [{ Effect = "Allow", Action = "sqs:SendMessage", Resource = "arn:aws:sqs:eu-central-1:000000000000:atrium-test-${folder}-dead-letters" }]
    }
    error_message = "Each may send to its own queue only."
  }

  assert {
    condition     = keys(aws_sqs_queue.dead_letters) == ["commands", "outcomes", "relay", "sign_out"] && alltrue([for queue in aws_sqs_queue.dead_letters : queue.kms_master_key_id == "alias/aws/sqs" && queue.message_retention_seconds == 1209600])
    error_message = "Every function that nobody waits for has a queue, encrypted and kept for 14 days."
  }

  assert {
    condition     = { for folder, rule in aws_cloudwatch_event_rule.schedule : folder => [rule.name, rule.schedule_expression] } == { relay = ["atrium-test-relay", "rate(5 minutes)"] }
    error_message = "A schedule is a rule with the function's name."
  }

  assert {
    condition     = aws_cloudwatch_event_target.schedule["relay"].rule == "atrium-test-relay" && aws_cloudwatch_event_target.schedule["relay"].arn == "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-relay:live"
    error_message = "The rule calls the alias live."
  }

  assert {
    condition = { for folder, permission in aws_lambda_permission.schedule : folder => [permission.principal, permission.source_arn, permission.function_name, permission.qualifier] } == {
      relay = ["events.amazonaws.com", "arn:aws:events:eu-central-1:000000000000:rule/atrium-test-relay", "atrium-test-relay", "live"]
    }
    error_message = "This rule may call the alias live of this function, and no other may."
  }

  assert {
    condition = { for folder, config in aws_lambda_function_event_invoke_config.this : folder => [config.qualifier, config.maximum_retry_attempts, config.maximum_event_age_in_seconds, config.destination_config[0].on_failure[0].destination] if folder != "sign_out" } == {
      relay = ["live", 2, 300, "arn:aws:sqs:eu-central-1:000000000000:atrium-test-relay-dead-letters"]
    }
    error_message = "What the clock calls is tried again as async says."
  }

  assert {
    condition     = aws_ssm_parameter.this["user_pool_id"].name == "/atrium/test/user_pool_id" && aws_ssm_parameter.this["user_pool_id"].value == "eu-central-1_pool"
    error_message = "The pool's id stands in a parameter of the environment."
  }

  assert {
    condition = { for folder, policy in aws_iam_role_policy.parameters : folder => jsondecode(policy.policy).Statement } == {
      commands = [{ Effect = "Allow", Action = "ssm:GetParameter", Resource = ["arn:aws:ssm:eu-central-1:000000000000:parameter/atrium/test/user_pool_id"] }]
    }
    error_message = "Only what declares a parameter may read it, and that one alone."
  }

  assert {
    condition = { for folder, function in aws_lambda_function.this : folder => function.environment[0].variables["USER_POOL_ID_PARAMETER"] if contains(keys(function.environment[0].variables), "USER_POOL_ID_PARAMETER") } == {
      commands = "/atrium/test/user_pool_id"
    }
    error_message = "It knows the parameter's name, never the pool's id: Terraform would wait for itself."
  }

  assert {
    condition = { for folder, alarm in aws_cloudwatch_metric_alarm.iterator_age : folder => [alarm.metric_name, alarm.dimensions.FunctionName, alarm.statistic, alarm.comparison_operator, tostring(alarm.threshold)] } == {
      for folder in ["commands", "outcomes"] : folder => ["IteratorAge", "atrium-test-${folder}", "Maximum", "GreaterThanThreshold", "60000"]
    }
    error_message = "A stream whose records wait for more than a minute raises an alarm."
  }

  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.dead_letters) == keys(aws_sqs_queue.dead_letters) && alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.iterator_age), values(aws_cloudwatch_metric_alarm.dead_letters)) : alarm.alarm_actions == toset([var.alarms_topic_arn]) && alarm.ok_actions == toset([var.alarms_topic_arn])])
    error_message = "Every queue has its alarm, and every alarm tells the topic."
  }
}
