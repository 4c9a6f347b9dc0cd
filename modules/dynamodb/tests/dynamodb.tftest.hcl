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

run "the_table_is_the_one_of_the_architecture" {
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
}

run "the_table_is_safe_by_default" {
  command = plan

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
}

run "the_key_serves_this_accounts_callers_of_dynamodb" {
  command = plan

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
}

run "readme_example" {
  command = plan

  module {
    source = "./tests/example"
  }

  override_data {
    target = module.dynamodb.data.aws_caller_identity.current
    values = { account_id = "000000000000" }
  }
}
