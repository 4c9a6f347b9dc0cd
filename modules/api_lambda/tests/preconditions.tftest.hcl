# What the module refuses of function.yaml, beside the builder. Each folder of fixtures/refused is wrong in one way.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

run "declarations_that_cannot_be" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/refused/functions"
    build_dir     = "./tests/fixtures/refused/artefacts"
  }

  expect_failures = [
    aws_lambda_function.this["any_record"],
    aws_lambda_function.this["any_time"],
    aws_lambda_function.this["first_reader"],
    aws_lambda_function.this["inside"],
    aws_lambda_function.this["not_built"],
    aws_lambda_function.this["outside"],
    aws_lambda_function.this["second_reader"],
    aws_lambda_function.this["unheard_of"],
    aws_lambda_function.this["waited_for"],
    aws_lambda_function.this["whole_table"],
  ]
}

run "names_that_are_not_there" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/unknown_names/functions"
    build_dir     = "./tests/fixtures/refused/artefacts"
  }

  expect_failures = [
    aws_iam_role_policy.cognito["lost"],
    aws_iam_role_policy.invoke["lost"],
    aws_iam_role_policy.parameters["lost"],
    aws_iam_role_policy.postgres["stranger"],
    aws_iam_role_policy.user_attributes["lost"],
  ]
}
