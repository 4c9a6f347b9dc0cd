# All that the environments do differently; every other file is the same, byte for byte. What an account or a person decides is a variable.
locals {
  project = var.project
  stage   = "dev"
  region  = var.region

  # Not every region has these zones: `aws ec2 describe-availability-zones` lists an account's.
  cidr               = "10.20.0.0/16"
  availability_zones = [for zone in ["a", "b"] : "${var.region}${zone}"]
  nat                = "none"

  # Whether AWS refuses to delete what holds data. To destroy prod: false, commit, apply; then make destroy ENV=prod CONFIRM=atrium-prod.
  deletion_protection = false
  # Whether destroying the database leaves a last snapshot.
  final_snapshot = false

  database = {
    instance_class = "db.t4g.micro"
    multi_az       = false
    storage_gb     = 20
    max_storage_gb = 50
  }
  backup_retention_days = 1
  log_retention_days    = 14

  # By the month: an alarm costs $0.10, the key behind topic and logs $1. Saved queries cost nothing, but the laptop's AWS has none.
  alarms        = false
  encrypt_logs  = false
  saved_queries = false

  runtime    = { architecture = "arm64", docs_url = var.docs_url, reserved_concurrency = {}, snap_start = false }
  throttling = { rate_limit = 100, burst_limit = 200 }
  waf        = null

  # Lets tools and tests sign in with one call instead of SRP's two.
  password_auth_flow = true
  token_validity     = { access_minutes = 60, refresh_days = 30 }

  # Which addresses may get an account, by sign-up or invitation. Domains include their subdomains. EMAIL_DOMAINS_ALLOWED admits only its
  # domains. EMAIL_PLUS_ADDRESSES = "refuse" refuses ada+shop@…, EMAIL_LOCAL_PARTS = "ascii" look-alikes of other scripts before the @.
  address_rules = { EMAIL_DOMAINS_DENIED = "mailinator.com" }
  # Whether only invited people get an account: the trigger refuses sign-ups. The hosted page still shows its link to sign up.
  invite_only = false
  # The version of the terms that people must accept, e.g. "2026-01"; "" if there is none. Sign-ups need it in ClientMetadata.
  # Everybody else is asked when GET /v1/me has consent_required.
  consent_version = ""
  # Whether the API refuses people who have not accepted it: 403 consent_required, but for /v1/me and what is below.
  consent_enforced = false
  # Days in which an invitation can be accepted. The temporary password in its mail is valid as long.
  invitation_days = 7
  # Roles that take effect only for users with MFA (docs/authorization.md), e.g. ["admin"].
  mfa_roles = []

  # Machine callers: name => the scopes that its tokens may have at most, and its roles. Then: make service ENV=… NAME=…
  # reporting = { scopes = ["me", "users.read"], roles = ["auditor"] }
  services = {}

  # Settings of single functions: folder => variable => value.
  function_environment = {
    # Days in which a person who deleted their account can sign in to restore it.
    users = merge(local.address_rules, { DELETION_GRACE_DAYS = "14", INVITATION_DAYS = tostring(local.invitation_days), REQUIRED_CONSENT_VERSION = local.consent_version })
    # The language of mails to people whose own has no templates, and the name of the product in them.
    custom_message       = { MAIL_LANGUAGE = "en", MAIL_PRODUCT = "Atrium" }
    identity_commands    = { MAIL_LANGUAGE = "en", MAIL_PRODUCT = "Atrium", MAIL_FROM = try(var.email_sender.from, "") }
    pre_sign_up          = merge(local.address_rules, { INVITE_ONLY = tostring(local.invite_only), REQUIRED_CONSENT_VERSION = local.consent_version })
    pre_token_generation = { REQUIRED_CONSENT_VERSION = local.consent_enforced ? local.consent_version : "" }
    reconcile            = { RECONCILE_REPAIR = "0" } # 1: the schedule also repairs; docs/runbooks/reconcile.md
  }
}
