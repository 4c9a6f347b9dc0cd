module "cognito" {
  source = "../.."

  name   = "atrium-prod"
  scopes = { "me" = "One's own record", "users.read" = "Anyone's record" }
  triggers = {
    PreSignUp          = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-prod-pre_sign_up:live"
    PostConfirmation   = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-prod-post_confirmation:live"
    PreTokenGeneration = "arn:aws:lambda:eu-central-1:000000000000:function:atrium-prod-pre_token_generation:live"
  }

  hosted_page    = { domain_prefix = "atrium-example", callback_urls = ["https://app.example.org/signed-in"] }
  token_validity = { access_minutes = 15 }

  email_sender = {
    identity_arn = "arn:aws:ses:eu-central-1:000000000000:identity/example.org"
    from         = "Atrium <no-reply@example.org>"
  }
}
