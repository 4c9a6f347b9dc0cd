data "aws_region" "current" {}

resource "aws_cognito_user_pool" "this" {
  name                     = var.name
  deletion_protection      = var.deletion_protection ? "ACTIVE" : "INACTIVE"
  mfa_configuration        = var.mfa.totp ? "OPTIONAL" : "OFF"
  auto_verified_attributes = ["email"]
  username_attributes      = ["email"]

  # The lowest tier whose pre_token_generation may change access tokens (trigger version V3_0).
  user_pool_tier = "ESSENTIALS"

  # No schema block: Cognito can neither change nor remove an attribute, so what we know of people lives in our own tables.

  # Fixed at creation, like username_attributes.
  username_configuration {
    case_sensitive = false
  }

  password_policy {
    minimum_length                   = var.password_policy.minimum_length
    require_lowercase                = var.password_policy.require_lowercase
    require_numbers                  = var.password_policy.require_numbers
    require_symbols                  = var.password_policy.require_symbols
    require_uppercase                = var.password_policy.require_uppercase
    temporary_password_validity_days = var.password_policy.temporary_days
  }

  # A new address counts only after its owner has confirmed it.
  user_attribute_update_settings {
    attributes_require_verification_before_update = ["email"]
  }

  account_recovery_setting {
    recovery_mechanism {
      name     = "verified_email"
      priority = 1
    }
  }

  admin_create_user_config {
    allow_admin_create_user_only = false
  }

  verification_message_template {
    default_email_option = "CONFIRM_WITH_CODE"
  }

  email_configuration {
    email_sending_account = var.email_sender == null ? "COGNITO_DEFAULT" : "DEVELOPER"
    from_email_address    = try(var.email_sender.from, null)
    source_arn            = try(var.email_sender.identity_arn, null)
  }

  dynamic "software_token_mfa_configuration" {
    for_each = var.mfa.totp ? [true] : []

    content {
      enabled = true
    }
  }

  dynamic "lambda_config" {
    for_each = length(var.triggers) > 0 ? [var.triggers] : []

    content {
      custom_message    = lookup(lambda_config.value, "CustomMessage", null)
      post_confirmation = lookup(lambda_config.value, "PostConfirmation", null)
      pre_sign_up       = lookup(lambda_config.value, "PreSignUp", null)

      dynamic "pre_token_generation_config" {
        for_each = contains(keys(lambda_config.value), "PreTokenGeneration") ? [lambda_config.value["PreTokenGeneration"]] : []

        content {
          lambda_arn     = pre_token_generation_config.value
          lambda_version = "V3_0" # V2_0 is never asked about services
        }
      }
    }
  }
}

resource "aws_cognito_resource_server" "this" {
  user_pool_id = aws_cognito_user_pool.this.id
  identifier   = var.resource_server
  name         = var.name # for people; unlike the identifier it may not be an address

  dynamic "scope" {
    for_each = var.scopes

    content {
      scope_name        = scope.key
      scope_description = scope.value
    }
  }
}

resource "aws_cognito_user_group" "this" {
  for_each = var.groups

  user_pool_id = aws_cognito_user_pool.this.id
  name         = each.key
  description  = each.value.description
  precedence   = each.value.precedence
}
