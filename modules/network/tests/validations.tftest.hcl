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
  name               = "atrium-dev"
  availability_zones = ["eu-central-1a", "eu-central-1b"]
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

run "one_zone" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["eu-central-1a"]
  }
}

run "seven_zones" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = [for letter in ["a", "b", "c", "d", "e", "f", "g"] : "us-east-1${letter}"]
  }
}

run "zone_named_twice" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1a"]
  }
}

run "zone_without_region" {
  command         = plan
  expect_failures = [var.availability_zones]

  variables {
    availability_zones = ["a", "b"]
  }
}

run "cidr_in_the_middle" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.0.0.1/16"
  }
}

run "cidr_of_ipv6" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "fd00::/16"
  }
}

run "cidr_too_large" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.0.0.0/15"
  }
}

run "cidr_too_small" {
  command         = plan
  expect_failures = [var.cidr]

  variables {
    cidr = "10.0.0.0/23"
  }
}

run "table_by_name" {
  command         = plan
  expect_failures = [var.dynamodb_table_arns]

  variables {
    dynamodb_table_arns = ["atrium-dev-UserAttributes"]
  }
}

run "flow_logs_of_unknown_traffic" {
  command         = plan
  expect_failures = [var.flow_logs]

  variables {
    flow_logs = { traffic = "all" }
  }
}

run "flow_logs_kept_for_an_odd_time" {
  command         = plan
  expect_failures = [var.flow_logs]

  variables {
    flow_logs = { retention_days = 31 }
  }
}

run "interface_endpoint_with_full_name" {
  command         = plan
  expect_failures = [var.interface_endpoints]

  variables {
    interface_endpoints = { "com.amazonaws.eu-central-1.ssm" = {} }
  }
}

run "interface_endpoint_of_s3" {
  command         = plan
  expect_failures = [var.interface_endpoints]

  variables {
    interface_endpoints = { s3 = {} }
  }
}

run "nat_of_unknown_kind" {
  command         = plan
  expect_failures = [var.nat]

  variables {
    nat = "instance"
  }
}
