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
  name       = "atrium-dev"
  vpc_id     = "vpc-0a0a0a0a"
  subnet_ids = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "subnet-0b0b0b0b" }
}

run "refuses_what_is_misspelt" {
  command         = plan
  expect_failures = [var.name, var.alarms_topic_arn, var.bastion_security_group_ids, var.client_security_group_ids, var.database, var.database_name, var.engine_version, var.pool, var.subnet_ids, var.users, var.vpc_id]

  variables {
    name                       = "atrium"
    alarms_topic_arn           = "atrium-dev-alarms"
    bastion_security_group_ids = { bastion = "atrium-dev-bastion" }
    client_security_group_ids  = { functions = "functions" }
    database                   = { instance_class = "t4g.micro" }
    database_name              = "atrium-dev"
    engine_version             = "14"
    pool                       = { borrow_seconds = 60 }
    subnet_ids                 = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "private" }
    users                      = ["App"]
    vpc_id                     = "atrium-dev"
  }
}

run "refuses_what_is_out_of_bounds" {
  command         = plan
  expect_failures = [var.name, var.backup_retention_days, var.database, var.logs, var.pool, var.subnet_ids, var.users]

  variables {
    name                  = "atrium-development-of-the-second-team"
    backup_retention_days = 0
    database              = { storage_gb = 10 }
    logs                  = { retention_days = 31 }
    pool                  = { max_connections_percent = 40 } # fewer than may be idle
    subnet_ids            = { eu-central-1a = "subnet-0a0a0a0a" }
    users                 = ["app", "postgres"]
  }
}

run "refuses_storage_without_room_and_eight_idle_hours" {
  command         = plan
  expect_failures = [var.name, var.database, var.logs, var.pool]

  variables {
    name     = "Atrium-Dev"
    database = { storage_gb = 100, max_storage_gb = 105 }
    logs     = { kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:alias/logs" }
    pool     = { idle_client_seconds = 30000 }
  }
}

run "refuses_a_boundary_by_its_name" {
  command         = plan
  expect_failures = [var.pool]

  variables {
    pool = { role_boundary_arn = "PowerUserAccess" }
  }
}
