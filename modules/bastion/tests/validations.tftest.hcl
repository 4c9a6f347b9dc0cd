provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_ssm_parameter.ami
  values = { insecure_value = "ami-0a0a0a0a" }
}

variables {
  name                       = "atrium-dev"
  vpc_id                     = "vpc-0a0a0a0a"
  subnet_id                  = "subnet-0a0a0a0a"
  database_security_group_id = "sg-0d0d0d0d"
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

run "the_whole_ipv4_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["0.0.0.0/0"]
  }
}

run "the_whole_ipv6_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["::/0"]
  }
}

run "half_of_the_ipv4_world" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["128.0.0.0/1"]
  }
}

run "an_address_without_length" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["203.0.113.7"]
  }
}

run "a_range_that_starts_in_the_middle" {
  command         = plan
  expect_failures = [var.allowed_cidrs]

  variables {
    allowed_cidrs = ["203.0.113.7/24"]
  }
}

run "database_group_by_name" {
  command         = plan
  expect_failures = [var.database_security_group_id]

  variables {
    database_security_group_id = "atrium-dev-database"
  }
}

run "an_intel_instance" {
  command         = plan
  expect_failures = [var.instance_type]

  variables {
    instance_type = "t3.nano"
  }
}

run "a_private_key" {
  command         = plan
  expect_failures = [var.ssh_public_key]

  variables {
    allowed_cidrs  = ["203.0.113.7/32"]
    ssh_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }
}

run "a_key_that_nobody_may_use" {
  command         = plan
  expect_failures = [var.ssh_public_key]

  variables {
    ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEpJSklKSUlKSUpJSklKSUpJSklKSUpJSklKSUpJSklK someone@example"
  }
}

run "subnet_by_name" {
  command         = plan
  expect_failures = [var.subnet_id]

  variables {
    subnet_id = "public"
  }
}

run "vpc_by_name" {
  command         = plan
  expect_failures = [var.vpc_id]

  variables {
    vpc_id = "atrium-dev"
  }
}
