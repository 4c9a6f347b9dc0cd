# All that dev and prod do differently; every other file is the same, byte for byte.
locals {
  project = "atrium"
  stage   = "prod"
  region  = "eu-central-1"

  cidr               = "10.30.0.0/16"
  availability_zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
  nat                = "none"

  # Whether AWS refuses to delete what holds data, and destroying the database leaves a snapshot.
  deletion_protection = true

  database = {
    instance_class = "db.m7g.large"
    multi_az       = true
    storage_gb     = 100
    max_storage_gb = 1000
  }
  backup_retention_days = 30
  log_retention_days    = 365

  architecture         = "arm64"
  reserved_concurrency = {}
  throttling           = { rate_limit = 500, burst_limit = 1000 }
  waf                  = { requests_per_address = 2000 }

  # Only SRP: the password itself never leaves the client.
  password_auth_flow = false
  token_validity     = { access_minutes = 15, refresh_days = 30 }

  # Settings of single functions: folder => variable => value.
  function_environment = {
    pre_sign_up = { EMAIL_DOMAINS_DENIED = "mailinator.com" }
  }
}
