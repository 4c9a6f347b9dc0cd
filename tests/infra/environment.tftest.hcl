# An environment planned whole, by the real provider without an account. tests/infra/test_composition.py reads the plan.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  account_id   = "000000000000"
  alarm_emails = ["operations@example.org"]

  permissions_boundary_arn = "arn:aws:iam::000000000000:policy/atrium-deploy-planned"
}

# What only AWS could answer.
override_data {
  target = module.bastion.data.aws_ssm_parameter.ami
  values = { value = "ami-0a0a0a0a0a0a0a0a0" }
}

override_data {
  target = module.dynamodb.data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_data {
  target = module.network.data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_data {
  target = module.rds_proxy.data.aws_availability_zone.of_subnet
  values = { zone_id = "euc1-az2" }
}

override_data {
  target = module.rds_proxy.data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

# What policies name: tests/infra/test_table_access.py evaluates them.
override_resource {
  target          = module.dynamodb.aws_dynamodb_table.user_attributes
  override_during = plan
  values = {
    arn        = "arn:aws:dynamodb:eu-central-1:000000000000:table/UserAttributes"
    stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/UserAttributes/stream/2026-01-01T00:00:00.000"
  }
}

# What the dashboard names.
override_resource {
  target          = module.cognito.aws_cognito_user_pool.this
  override_during = plan
  values          = { id = "eu-central-1_pool", arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_pool", endpoint = "cognito" }
}

override_resource {
  target          = module.cognito.aws_cognito_user_pool_client.this
  override_during = plan
  values          = { id = "app" }
}

# What alarms and the topic's policy name: tests/infra/test_alarm_delivery.py makes them on the laptop's AWS.
override_resource {
  target          = aws_sns_topic.alarms
  override_during = plan
  values          = { arn = "arn:aws:sns:eu-central-1:000000000000:atrium-prod-alarms" }
}

run "plan" {
  command = plan
}
