# What AWS would answer during a plan of an environment, for offline_plan.py. The tests of tests/infra read such plans.
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

# Ids that rules, routes and functions refer to, so that the plan says who may reach whom.
override_resource {
  target          = module.network.aws_vpc.this
  override_during = plan
  values          = { id = "vpc-0000000000000000a" }
}

override_resource {
  target          = module.network.aws_internet_gateway.this
  override_during = plan
  values          = { id = "igw-0000000000000000a" }
}

override_resource {
  target          = module.network.aws_route_table.public
  override_during = plan
  values          = { id = "rtb-0000000000000000f" }
}

override_resource {
  target          = module.network.aws_route_table.private["eu-central-1a"]
  override_during = plan
  values          = { id = "rtb-0000000000000000a" }
}

override_resource {
  target          = module.network.aws_route_table.private["eu-central-1b"]
  override_during = plan
  values          = { id = "rtb-0000000000000000b" }
}

override_resource {
  target          = module.network.aws_route_table.private["eu-central-1c"]
  override_during = plan
  values          = { id = "rtb-0000000000000000c" }
}

override_resource {
  target          = module.network.aws_subnet.private["eu-central-1a"]
  override_during = plan
  values          = { id = "subnet-0000000000000000a" }
}

override_resource {
  target          = module.network.aws_subnet.public["eu-central-1a"]
  override_during = plan
  values          = { id = "subnet-00000000000000f0a" }
}

override_resource {
  target          = module.network.aws_subnet.private["eu-central-1b"]
  override_during = plan
  values          = { id = "subnet-0000000000000000b" }
}

override_resource {
  target          = module.network.aws_subnet.public["eu-central-1b"]
  override_during = plan
  values          = { id = "subnet-00000000000000f0b" }
}

override_resource {
  target          = module.network.aws_subnet.private["eu-central-1c"]
  override_during = plan
  values          = { id = "subnet-0000000000000000c" }
}

override_resource {
  target          = module.network.aws_subnet.public["eu-central-1c"]
  override_during = plan
  values          = { id = "subnet-00000000000000f0c" }
}

override_resource {
  target          = module.network.aws_vpc_endpoint.dynamodb
  override_during = plan
  values          = { id = "vpce-0000000000000000d", prefix_list_id = "pl-0000000d" }
}

override_resource {
  target          = module.network.aws_vpc_endpoint.s3
  override_during = plan
  values          = { id = "vpce-00000000000000005", prefix_list_id = "pl-00000005" }
}

override_resource {
  target          = module.api_lambda.aws_security_group.functions
  override_during = plan
  values          = { id = "sg-0000000000000000f" }
}

override_resource {
  target          = module.api_lambda.aws_security_group.postgres_clients
  override_during = plan
  values          = { id = "sg-0000000000000000c" }
}

override_resource {
  target          = module.bastion.aws_security_group.this
  override_during = plan
  values          = { id = "sg-0000000000000000b" }
}

override_resource {
  target          = module.rds_proxy.aws_security_group.database
  override_during = plan
  values          = { id = "sg-0000000000000000d" }
}

override_resource {
  target          = module.rds_proxy.aws_security_group.proxy
  override_during = plan
  values          = { id = "sg-0000000000000000e" }
}

# What functions have in their environment and may connect to.
override_resource {
  target          = module.rds_proxy.aws_db_proxy.this
  override_during = plan
  values = {
    arn      = "arn:aws:rds:eu-central-1:000000000000:db-proxy:prx-0123456789abcdef0"
    endpoint = "planned.proxy-cabcdefghijk.eu-central-1.rds.amazonaws.com"
  }
}

run "plan" {
  command = plan
}
