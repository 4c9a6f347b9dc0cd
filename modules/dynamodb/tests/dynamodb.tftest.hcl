provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_resource {
  target          = aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:000000000000:key/0a0a0a0a" }
}

override_resource {
  target          = aws_dynamodb_table.user_attributes
  override_during = plan
  values          = { arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes" }
}

variables {
  name = "atrium-dev"
}

run "the_table_of_the_architecture_safe_by_default" {
  command = plan

  assert {
    condition     = output.table_name == "atrium-dev-UserAttributes" && aws_dynamodb_table.user_attributes.billing_mode == "PAY_PER_REQUEST"
    error_message = "The table must be <name>-UserAttributes, on demand."
  }

  assert {
    condition     = aws_dynamodb_table.user_attributes.hash_key == "pk" && aws_dynamodb_table.user_attributes.range_key == "sk"
    error_message = "The key must be pk and sk."
  }

  assert {
    condition = { for index in aws_dynamodb_table.user_attributes.global_secondary_index : index.name => [index.hash_key, index.range_key, index.projection_type] } == {
      GSI1 = ["gsi1pk", "gsi1sk", "ALL"]
      GSI2 = ["gsi2pk", "gsi2sk", "ALL"]
    }
    error_message = "GSI1 and GSI2 must project every attribute by their own keys."
  }

  assert {
    condition     = aws_dynamodb_table.user_attributes.ttl[0].attribute_name == "expires_at" && aws_dynamodb_table.user_attributes.ttl[0].enabled
    error_message = "Items must expire by expires_at."
  }

  assert {
    condition     = aws_dynamodb_table.user_attributes.stream_enabled && aws_dynamodb_table.user_attributes.stream_view_type == "NEW_AND_OLD_IMAGES"
    error_message = "The stream must carry new and old images."
  }

  assert {
    condition     = output.index_arn_pattern == "arn:aws:dynamodb:eu-central-1:000000000000:table/atrium-dev-UserAttributes/index/*"
    error_message = "The pattern must cover the indexes of this table."
  }

  assert {
    condition     = aws_dynamodb_table.user_attributes.deletion_protection_enabled && aws_dynamodb_table.user_attributes.point_in_time_recovery[0].enabled
    error_message = "The table must be protected against deletion, and restorable to any moment."
  }

  assert {
    condition     = aws_dynamodb_table.user_attributes.server_side_encryption[0].kms_key_arn == "arn:aws:kms:eu-central-1:000000000000:key/0a0a0a0a"
    error_message = "The table must be encrypted with the module's own key."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }

  assert {
    condition = jsondecode(aws_kms_key.this.policy).Statement == [
      {
        Sid       = "AccountAdministersByIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::000000000000:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "CallersThroughDynamoDb"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = "000000000000"
            "kms:ViaService"    = "dynamodb.eu-central-1.amazonaws.com"
          }
        }
      },
    ]
    error_message = "The key must be usable by this account only, and through DynamoDB only unless IAM says more."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) == 0
    error_message = "Without a topic there must be no alarm."
  }
}

run "alarms_and_no_protection" {
  command = plan

  variables {
    alarms_topic_arn    = "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"
    deletion_protection = false
  }

  assert {
    condition     = !aws_dynamodb_table.user_attributes.deletion_protection_enabled
    error_message = "Without protection the table must go at once."
  }

  # DynamoDB reports throttling by table and by index; a dimension too few would be an alarm that never hears anything.
  assert {
    condition = toset([
      for query in aws_cloudwatch_metric_alarm.this["throttles"].metric_query : join(" ", concat([query.metric[0].metric_name], values(query.metric[0].dimensions)))
      if length(query.metric) > 0
      ]) == toset([
      "ReadThrottleEvents atrium-dev-UserAttributes", "ReadThrottleEvents GSI1 atrium-dev-UserAttributes", "ReadThrottleEvents GSI2 atrium-dev-UserAttributes",
      "WriteThrottleEvents atrium-dev-UserAttributes", "WriteThrottleEvents GSI1 atrium-dev-UserAttributes", "WriteThrottleEvents GSI2 atrium-dev-UserAttributes",
    ])
    error_message = "Throttled reads and writes must be heard, on the table and on each index."
  }

  assert {
    condition = toset([
      for query in aws_cloudwatch_metric_alarm.this["errors"].metric_query : "${query.metric[0].metric_name} ${query.metric[0].dimensions.TableName} ${query.metric[0].dimensions.Operation}"
      if length(query.metric) > 0
    ]) == toset([for operation in ["GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"] : "SystemErrors atrium-dev-UserAttributes ${operation}"])
    error_message = "DynamoDB's own errors must be heard, by operation."
  }

  assert {
    condition = alltrue([
      for alarm in aws_cloudwatch_metric_alarm.this :
      one(alarm.alarm_actions) == var.alarms_topic_arn && one(alarm.ok_actions) == var.alarms_topic_arn && alarm.treat_missing_data == "notBreaching" &&
      [for query in alarm.metric_query : query.expression if query.return_data == true] == ["SUM(FILL(METRICS(), 0))"]
    ])
    error_message = "Each alarm must sum its metrics and tell the topic; silence means nothing went wrong."
  }
}

run "readme_example" {
  command = plan

  module {
    source = "./examples/basic"
  }

  override_data {
    target = module.dynamodb.data.aws_caller_identity.current
    values = { account_id = "000000000000" }
  }
}
