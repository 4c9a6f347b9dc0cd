# What a root may leave out, planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

# What services.auto.tfvars gives to every other file.
variables {
  name             = "hello-dev"
  stage            = "dev"
  alarms_topic_arn = null
  environment      = {}
  network          = null
  postgres         = null
  user_attributes  = null
  user_pool        = null
}

run "a_folder_of_zips_with_a_contract" {
  command = plan

  variables {
    functions_dir = "./examples/standalone/functions"
    build_dir     = "./examples/standalone/artefacts"
  }

  assert {
    condition = (
      aws_lambda_function.this["hello"].handler == "index.handler" && length(aws_lambda_function.this["hello"].layers) == 0 &&
      length(aws_lambda_function.this["hello"].vpc_config) == 0 && length(aws_lambda_layer_version.this) == 0
    )
    error_message = "A function is what its function.yaml says, without a layer and without a VPC."
  }

  assert {
    condition     = length(aws_security_group.functions) + length(aws_security_group.postgres_clients) == 0 && output.postgres_client_security_group_id == null
    error_message = "Without a network there are no security groups."
  }

  assert {
    condition     = keys(aws_iam_role_policy.logs) == ["hello"] && length(aws_iam_role_policy.vpc) + length(aws_iam_role_policy.postgres) == 0
    error_message = "It may write its log and its traces, and nothing else."
  }
}

run "a_network_without_a_database" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/one/functions"
    build_dir     = "./tests/fixtures/one/artefacts"
    user_pool     = { arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_0a0a0a0a" }
    network       = { vpc_id = "vpc-0a", subnet_ids = ["subnet-0a"], dynamodb_prefix_list_id = "pl-0a" }
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.postgres_clients_to_proxy) == 0 && length(aws_vpc_security_group_egress_rule.functions_to_dynamodb) == 1
    error_message = "Nothing leads to a proxy that is not there."
  }
}

run "declarations_of_what_is_missing" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/services/functions"
    build_dir     = "./tests/fixtures/services/artefacts"
  }

  expect_failures = [aws_lambda_function.this, aws_iam_role_policy.cognito, aws_iam_role_policy.postgres, aws_ssm_parameter.this]
}
