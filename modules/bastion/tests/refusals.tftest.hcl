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
  name                       = "atrium-dev"
  vpc_id                     = "vpc-0a0a0a0a"
  subnet_id                  = "subnet-0a0a0a0a"
  database_security_group_id = "sg-0d0d0d0d"
}

run "refuses_the_ipv4_world" {
  command         = plan
  expect_failures = [var.name, var.permissions_boundary_arn, var.allowed_cidrs, var.database_security_group_id, var.instance_type, var.subnet_id, var.vpc_id]

  variables {
    permissions_boundary_arn   = "PowerUserAccess"
    name                       = "atrium"
    allowed_cidrs              = ["0.0.0.0/0"]
    database_security_group_id = "atrium-dev-database"
    instance_type              = "t3.nano"
    subnet_id                  = "public"
    vpc_id                     = "atrium-dev"
  }
}

run "refuses_the_ipv6_world" {
  command         = plan
  expect_failures = [var.name, var.allowed_cidrs]

  variables {
    name          = "Atrium-Dev"
    allowed_cidrs = ["::/0"]
  }
}

run "refuses_half_of_the_ipv4_world" {
  command         = plan
  expect_failures = [var.name, var.allowed_cidrs]

  variables {
    name          = "atrium-development-of-the-second-team"
    allowed_cidrs = ["128.0.0.0/1"]
  }
}

run "refuses_an_address_without_length" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["203.0.113.7"]
  }
}

run "refuses_a_range_that_starts_in_the_middle" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["203.0.113.7/24"]
  }
}

run "refuses_a_private_key" {
  command         = plan
  expect_failures = [var.ssh_public_key]

  variables {
    allowed_cidrs  = ["203.0.113.7/32"]
    ssh_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }
}

run "refuses_a_key_that_nobody_may_use" {
  command         = plan
  expect_failures = [var.ssh_public_key]

  variables {
    ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpJSklKSUlKSUpJSklKSUpJSklKSUpJSklKSUpJSklK someone@example"
  }
}
