# What the environment refuses: one value per variable in a run, as one refusal hides the next of the same variable.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  account_id        = "000000000000"
  github_repository = "example/atrium"
  state_bucket      = "example-states"
}

run "refusals" {
  command = plan

  variables {
    account_id        = "1234"
    environments      = ["*"]
    github_ids        = { owner = "*", repository = "456789" }
    github_repository = "example/*"
    project           = "*"
    region            = "Frankfurt"
    state_bucket      = "States"
  }

  expect_failures = [var.account_id, var.environments, var.github_ids, var.github_repository, var.project, var.region, var.state_bucket]
}

run "names_of_the_accounts_own_roles" {
  command = plan

  variables {
    environments = ["deploy", "dev"]
  }

  expect_failures = [var.environments]
}
