# What the module refuses: one value per variable in a run, as one refusal hides the next of the same variable.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  name = "atrium-dev"
}

run "refuses_a_name_without_stage" {
  command         = plan
  expect_failures = [var.name, var.alarms_topic_arn]

  variables {
    name             = "atrium"
    alarms_topic_arn = "atrium-dev-alarms"
  }
}

run "refuses_a_name_with_capitals" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Atrium-Dev"
  }
}

run "refuses_a_name_too_long" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "atrium-development-of-the-second-team"
  }
}
