# Planned by the real provider without an account.
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
    CustomMessage      = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-custom_message:live"
    PreSignUp          = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-pre_sign_up:live"
    PostConfirmation   = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-post_confirmation:live"
    PreTokenGeneration = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-test-pre_token_generation:live"
  }
}

override_resource {
  target          = aws_cognito_user_pool_client.this
  override_during = plan
  values          = { id = "app" }
}

override_resource {
  target          = aws_cognito_user_pool.this
  override_during = plan
  values = {
    id       = "eu-central-1_pool"
    arn      = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_pool"
    endpoint = "cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool"
  }
}

run "pool_triggers_and_client" {
  command = plan

  assert {
    condition = (
      aws_cognito_user_pool.this.username_attributes == toset(["email"]) && aws_cognito_user_pool.this.auto_verified_attributes == toset(["email"]) &&
      !aws_cognito_user_pool.this.username_configuration[0].case_sensitive
    )
    error_message = "People sign in with a verified e-mail address, in whatever case."
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "ACTIVE" && aws_cognito_user_pool.this.user_pool_tier == "ESSENTIALS"
    error_message = "The pool is protected, and of the tier whose access tokens a trigger may change."
  }

  assert {
    condition     = aws_cognito_user_pool.this.password_policy[0].minimum_length == 12 && aws_cognito_user_pool.this.mfa_configuration == "OPTIONAL" && aws_cognito_user_pool.this.software_token_mfa_configuration[0].enabled
    error_message = "Passwords have twelve characters, and one-time codes are on offer."
  }

  assert {
    condition     = !aws_cognito_user_pool.this.admin_create_user_config[0].allow_admin_create_user_only
    error_message = "People can sign up. The trigger PreSignUp decides who may."
  }

  assert {
    condition     = one(aws_cognito_user_pool.this.account_recovery_setting[0].recovery_mechanism).name == "verified_email"
    error_message = "An account is recovered by verified e-mail only."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.throttles) == 0
    error_message = "Without a topic there is no alarm."
  }

  assert {
    condition     = aws_cognito_user_pool.this.email_configuration[0].email_sending_account == "COGNITO_DEFAULT"
    error_message = "Without email_sender Cognito sends the mails itself."
  }

  assert {
    condition     = length(aws_cognito_user_pool.this.schema) == 0
    error_message = "The pool has no attributes of ours: they could never be removed."
  }

  assert {
    condition     = output.issuer == "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool"
    error_message = "issuer is what tokens carry as iss."
  }

  assert {
    condition = (
      aws_cognito_user_pool.this.lambda_config[0].pre_sign_up == var.triggers.PreSignUp &&
      aws_cognito_user_pool.this.lambda_config[0].custom_message == var.triggers.CustomMessage &&
      aws_cognito_user_pool.this.lambda_config[0].post_confirmation == var.triggers.PostConfirmation &&
      aws_cognito_user_pool.this.lambda_config[0].pre_token_generation_config[0].lambda_arn == var.triggers.PreTokenGeneration &&
      aws_cognito_user_pool.this.lambda_config[0].pre_token_generation_config[0].lambda_version == "V3_0"
    )
    error_message = "The pool calls the aliases, and pre_token_generation in the version that changes access tokens."
  }

  assert {
    condition = { for trigger, permission in aws_lambda_permission.trigger : trigger => [permission.function_name, permission.qualifier] } == {
      PostConfirmation   = ["atrium-test-post_confirmation", "live"]
      CustomMessage      = ["atrium-test-custom_message", "live"]
      PreSignUp          = ["atrium-test-pre_sign_up", "live"]
      PreTokenGeneration = ["atrium-test-pre_token_generation", "live"]
    }
    error_message = "Each trigger may be called at its alias."
  }

  assert {
    condition     = alltrue([for permission in aws_lambda_permission.trigger : permission.principal == "cognito-idp.amazonaws.com" && permission.source_arn == output.user_pool_arn])
    error_message = "Only this pool may call a trigger."
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.explicit_auth_flows == toset(["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"])
    error_message = "Passwords are proven by SRP, never sent."
  }

  assert {
    condition     = !aws_cognito_user_pool_client.this.generate_secret && aws_cognito_user_pool_client.this.prevent_user_existence_errors == "ENABLED" && aws_cognito_user_pool_client.this.enable_token_revocation
    error_message = "An app has no secret, does not learn who has an account, and its tokens can be revoked."
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.write_attributes == toset(["email", "family_name", "given_name", "locale"])
    error_message = "An app writes the e-mail address and the names given at sign-up, nothing else."
  }

  assert {
    condition     = !aws_cognito_user_pool_client.this.allowed_oauth_flows_user_pool_client && length(aws_cognito_user_pool_domain.this) == 0 && output.hosted_page_url == null
    error_message = "Without hosted_page there is no page and no OAuth flow."
  }

  assert {
    condition     = length(aws_secretsmanager_secret.service) == 0 && length(output.services) == 0 && output.token_url == null
    error_message = "Without services there is no secret, and no address for tokens."
  }

  assert {
    condition     = tomap({ for scope in aws_cognito_resource_server.this.scope : scope.scope_name => scope.scope_description }) == var.scopes && aws_cognito_resource_server.this.identifier == "atrium" && aws_cognito_resource_server.this.name == var.name
    error_message = "The resource server atrium has the scopes of the API."
  }
}

run "environment_settings" {
  command = plan

  variables {
    alarms_topic_arn    = "arn:aws:sns:eu-central-1:000000000000:alarms"
    deletion_protection = false
    email_sender        = { identity_arn = "arn:aws:ses:eu-central-1:000000000000:identity/example.org", from = "Atrium <no-reply@example.org>" }
    groups              = { staff = { description = "People who work here", precedence = 1 } }
    hosted_page         = { domain_prefix = "atrium-test", callback_urls = ["https://example.org/signed-in", "http://localhost:8080/"] }
    password_auth_flow  = true
    token_validity      = { access_minutes = 15, refresh_days = 1 }
    mfa                 = { totp = false }
    triggers            = {}
  }

  assert {
    condition     = aws_cognito_user_pool.this.deletion_protection == "INACTIVE" && aws_cognito_user_pool.this.mfa_configuration == "OFF" && length(aws_cognito_user_pool.this.lambda_config) == 0
    error_message = "Protection, one-time codes and triggers can be left out."
  }

  assert {
    condition     = aws_cognito_user_pool.this.email_configuration[0].email_sending_account == "DEVELOPER" && aws_cognito_user_pool.this.email_configuration[0].source_arn == var.email_sender.identity_arn
    error_message = "Mails leave through the identity given."
  }

  assert {
    condition = { for alarm in aws_cloudwatch_metric_alarm.throttles : alarm.metric_name => [alarm.dimensions, alarm.alarm_actions] } == {
      for metric in ["SignInThrottles", "SignUpThrottles", "TokenRefreshThrottles"] :
      metric => [tomap({ UserPool = "eu-central-1_pool", UserPoolClient = "app" }), toset([var.alarms_topic_arn])]
    }
    error_message = "With a topic, sign-ins, sign-ups and refreshes that Cognito turns away raise an alarm."
  }

  assert {
    condition     = contains(aws_cognito_user_pool_client.this.explicit_auth_flows, "ALLOW_USER_PASSWORD_AUTH") && aws_cognito_user_pool_client.this.access_token_validity == 15 && aws_cognito_user_pool_client.this.refresh_token_validity == 1
    error_message = "The password flow and the tokens' validity follow their environment_settings."
  }

  assert {
    condition     = aws_cognito_user_pool_client.this.allowed_oauth_flows == toset(["code"]) && aws_cognito_user_pool_client.this.allowed_oauth_scopes == toset(["email", "openid"])
    error_message = "The page gives codes, never tokens, and nobody gets a scope of the API by asking for it."
  }

  assert {
    condition     = output.hosted_page_url == "https://atrium-test.auth.eu-central-1.amazoncognito.com" && aws_cognito_user_group.this["staff"].precedence == 1
    error_message = "The page has its address, the pool its groups."
  }
}

run "services" {
  command = plan

  variables {
    services            = { reporting = { scopes = ["me"], roles = ["reader"] } }
    token_domain_prefix = "atrium-test-000000000000"
  }

  assert {
    condition     = join(" ", keys(aws_cognito_user_pool_domain.this)) == "atrium-test-000000000000" && output.hosted_page_url == null
    error_message = "Services fetch tokens at the pool's domain; that is no sign-in page."
  }

  assert {
    condition     = output.token_url == "https://atrium-test-000000000000.auth.eu-central-1.amazoncognito.com/oauth2/token"
    error_message = "token_url is the token endpoint of the domain."
  }

  assert {
    condition     = aws_secretsmanager_secret.service["reporting"].name == "atrium-test-service-reporting" && aws_secretsmanager_secret.service["reporting"].recovery_window_in_days == 30
    error_message = "Each service has an empty secret, which deletion protection keeps for 30 days."
  }

  assert {
    condition = (
      output.services["reporting"].client_name == "atrium-test-service-reporting" &&
      join(" ", output.services["reporting"].scopes) == "atrium/me" &&
      join(" ", output.services["reporting"].roles) == "reader" &&
      output.services["reporting"].access_minutes == 60
    )
    error_message = "services tells make service what is declared."
  }
}

run "services_at_the_hosted_page" {
  command = plan

  variables {
    services            = { reporting = { scopes = ["me"] } }
    token_domain_prefix = "atrium-test-000000000000"
    hosted_page         = { domain_prefix = "atrium-page", callback_urls = ["https://example.org/"] }
  }

  assert {
    condition     = join(" ", keys(aws_cognito_user_pool_domain.this)) == "atrium-page"
    error_message = "A pool has one prefix: the page's."
  }
}
