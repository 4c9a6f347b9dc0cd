# What the module refuses: one value per variable in a run, as one refusal hides the next of the same variable.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  name   = "atrium-test"
  scopes = { "me" = "One's own record", "users.read" = "Anyone's record" }
  triggers = {
    PreSignUp          = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-pre_sign_up:live"
    PostConfirmation   = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-post_confirmation:live"
    PreTokenGeneration = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-pre_token_generation:live"
  }
}

run "refusals" {
  command = plan

  variables {
    name             = "Atrium"
    alarms_topic_arn = "alarms"
    email_sender     = { identity_arn = "example.org", from = "no-reply@example.org" }
    groups           = { "help desk" = { description = "With a space" } }
    hosted_page      = { domain_prefix = "Atrium", callback_urls = ["https://example.org/"] }
    password_policy  = { minimum_length = 6 }
    resource_server  = "atrium api"
    scopes           = { "atrium/me" = "With the resource server" }
    token_validity   = { access_minutes = 1 }
    triggers         = { PreSignIn = "arn:aws:lambda:eu-central-1:000000000000:function:any:live" }
  }

  expect_failures = [var.name, var.alarms_topic_arn, var.email_sender, var.groups, var.hosted_page, var.password_policy, var.resource_server, var.scopes, var.token_validity, var.triggers]
}

run "refusals_of_second_validations" {
  command = plan

  variables {
    email_sender    = { identity_arn = "arn:aws:ses:eu-central-1:000000000000:identity/example.org", from = "Atrium" }
    hosted_page     = { domain_prefix = "my-cognito", callback_urls = ["https://example.org/"] }
    password_policy = { temporary_days = 0 }
    scopes          = { "me" = "" }
    token_validity  = { refresh_days = 0 }
    triggers        = { PreSignUp = "arn:aws:lambda:eu-central-1:000000000000:function:without-an-alias" }
  }

  expect_failures = [var.email_sender, var.hosted_page, var.password_policy, var.scopes, var.token_validity, var.triggers]
}

run "refuses_a_page_that_returns_nowhere" {
  command = plan

  variables {
    hosted_page = { domain_prefix = "atrium-test", callback_urls = [] }
  }

  expect_failures = [var.hosted_page]
}

run "refuses_a_page_that_returns_in_the_clear" {
  command = plan

  variables {
    hosted_page = { domain_prefix = "atrium-test", callback_urls = ["http://example.org/"] }
  }

  expect_failures = [var.hosted_page]
}

run "services_without_a_domain" {
  command = plan

  variables {
    services = { reporting = { scopes = ["me"] } }
  }

  expect_failures = [aws_secretsmanager_secret.service]
}

run "services_with_an_unknown_scope" {
  command = plan

  variables {
    services            = { reporting = { scopes = ["everything"] } }
    token_domain_prefix = "atrium-test"
  }

  expect_failures = [aws_secretsmanager_secret.service]
}

run "a_service_with_a_wrong_name" {
  command = plan

  variables {
    services            = { Reporting = { scopes = ["me"] } }
    token_domain_prefix = "my-cognito"
  }

  expect_failures = [var.services, var.token_domain_prefix]
}

run "a_service_without_scopes" {
  command = plan

  variables {
    services            = { reporting = { scopes = [] } }
    token_domain_prefix = "atrium-test"
  }

  expect_failures = [var.services]
}

run "a_service_that_is_an_administrator" {
  command = plan

  variables {
    services            = { reporting = { scopes = ["me"], roles = ["admin"] } }
    token_domain_prefix = "atrium-test"
  }

  expect_failures = [var.services]
}

run "a_service_with_a_role_that_needs_mfa" {
  command = plan

  variables {
    services            = { reporting = { scopes = ["me"], roles = ["auditor"] } }
    mfa                 = { roles = ["auditor"] }
    token_domain_prefix = "atrium-test"
  }

  expect_failures = [var.mfa]
}

run "roles_that_need_mfa_where_there_is_none" {
  command = plan

  variables {
    mfa = { totp = false, roles = ["admin"] }
  }

  expect_failures = [var.mfa]
}
