provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

variables {
  name       = "atrium-dev"
  vpc_id     = "vpc-0a0a0a0a"
  subnet_ids = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "subnet-0b0b0b0b" }
}

run "name_without_stage" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "atrium"
  }
}

run "name_with_capitals" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "Atrium-Dev"
  }
}

run "name_too_long" {
  command         = plan
  expect_failures = [var.name]

  variables {
    name = "atrium-development-of-the-second-team"
  }
}

run "no_backups" {
  command         = plan
  expect_failures = [var.backup_retention_days]

  variables {
    backup_retention_days = 0
  }
}

run "bastion_by_name" {
  command         = plan
  expect_failures = [var.bastion_security_group_ids]

  variables {
    bastion_security_group_ids = { bastion = "atrium-dev-bastion" }
  }
}

run "client_by_name" {
  command         = plan
  expect_failures = [var.client_security_group_ids]

  variables {
    client_security_group_ids = { functions = "functions" }
  }
}

run "class_of_ec2" {
  command         = plan
  expect_failures = [var.database]

  variables {
    database = { instance_class = "t4g.micro" }
  }
}

run "storage_too_small" {
  command         = plan
  expect_failures = [var.database]

  variables {
    database = { storage_gb = 10 }
  }
}

run "storage_without_room_to_grow" {
  command         = plan
  expect_failures = [var.database]

  variables {
    database = { storage_gb = 100, max_storage_gb = 105 }
  }
}

run "database_name_with_hyphen" {
  command         = plan
  expect_failures = [var.database_name]

  variables {
    database_name = "atrium-dev"
  }
}

run "engine_version_too_old" {
  command         = plan
  expect_failures = [var.engine_version]

  variables {
    engine_version = "14"
  }
}

run "logs_kept_for_an_odd_time" {
  command         = plan
  expect_failures = [var.log_retention_days]

  variables {
    log_retention_days = 31
  }
}

run "waiting_longer_than_the_gateway" {
  command         = plan
  expect_failures = [var.pool]

  variables {
    pool = { borrow_seconds = 60 }
  }
}

run "more_idle_connections_than_connections" {
  command         = plan
  expect_failures = [var.pool]

  variables {
    pool = { max_connections_percent = 40 }
  }
}

run "idle_for_more_than_eight_hours" {
  command         = plan
  expect_failures = [var.pool]

  variables {
    pool = { idle_client_seconds = 30000 }
  }
}

run "one_subnet" {
  command         = plan
  expect_failures = [var.subnet_ids]

  variables {
    subnet_ids = { eu-central-1a = "subnet-0a0a0a0a" }
  }
}

run "subnet_by_name" {
  command         = plan
  expect_failures = [var.subnet_ids]

  variables {
    subnet_ids = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "private" }
  }
}

run "user_with_capitals" {
  command         = plan
  expect_failures = [var.users]

  variables {
    users = ["App"]
  }
}

run "the_master_as_a_user" {
  command         = plan
  expect_failures = [var.users]

  variables {
    users = ["app", "postgres"]
  }
}

run "vpc_by_name" {
  command         = plan
  expect_failures = [var.vpc_id]

  variables {
    vpc_id = "atrium-dev"
  }
}
