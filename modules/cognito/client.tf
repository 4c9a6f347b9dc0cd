# For apps in a browser or on a phone: no secret, since none could be kept there.
resource "aws_cognito_user_pool_client" "this" {
  name            = "${var.name}-app"
  user_pool_id    = aws_cognito_user_pool.this.id
  generate_secret = false

  explicit_auth_flows = concat(
    ["ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"],
    var.password_auth_flow ? ["ALLOW_USER_PASSWORD_AUTH"] : [],
  )
  enable_token_revocation       = true
  prevent_user_existence_errors = "ENABLED"

  access_token_validity  = var.token_validity.access_minutes
  id_token_validity      = var.token_validity.access_minutes
  refresh_token_validity = var.token_validity.refresh_days

  token_validity_units {
    access_token  = "minutes"
    id_token      = "minutes"
    refresh_token = "days"
  }

  # By default a client may write every standard attribute. A name may be given at sign-up; from then on it lives in our tables.
  read_attributes  = ["email", "email_verified", "family_name", "given_name", "locale"]
  write_attributes = ["email", "family_name", "given_name", "locale"]

  supported_identity_providers = ["COGNITO"]

  # The code flow; a client that sends a PKCE challenge is held to it. The API's own scopes are not listed: Cognito grants
  # a listed scope to anyone who asks, whereas pre_token_generation grants ours by role.
  allowed_oauth_flows_user_pool_client = var.hosted_page != null
  allowed_oauth_flows                  = var.hosted_page == null ? [] : ["code"]
  allowed_oauth_scopes                 = var.hosted_page == null ? [] : ["email", "openid"]
  callback_urls                        = try(var.hosted_page.callback_urls, [])
  logout_urls                          = try(var.hosted_page.logout_urls, [])
}

resource "aws_cognito_user_pool_domain" "this" {
  for_each = local.token_domain == null ? toset([]) : toset([local.token_domain])

  user_pool_id = aws_cognito_user_pool.this.id
  domain       = each.key
}
