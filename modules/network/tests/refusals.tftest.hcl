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
  name               = "atrium-dev"
  availability_zones = ["eu-central-1a", "eu-central-1b"]
}

run "refuses_what_is_misspelt" {
  command         = plan
  expect_failures = [var.name, var.permissions_boundary_arn, var.alarms_topic_arn, var.availability_zones, var.cidr, var.dynamodb_table_arns, var.flow_logs, var.interface_endpoints, var.nat, var.s3_bucket_arns]

  variables {
    permissions_boundary_arn = "PowerUserAccess"
    name                     = "atrium"
    alarms_topic_arn         = "atrium-dev-alarms"
    availability_zones       = ["a", "b"]
    cidr                     = "10.0.0.1/16"
    dynamodb_table_arns      = ["atrium-dev-UserAttributes"]
    flow_logs                = { traffic = "all" }
    interface_endpoints      = { "com.amazonaws.eu-central-1.ssm" = {} }
    nat                      = "instance"
    s3_bucket_arns           = ["arn:aws:s3:::atrium-*"]
  }
}

run "refuses_what_is_out_of_bounds" {
  command         = plan
  expect_failures = [var.name, var.availability_zones, var.cidr, var.flow_logs, var.interface_endpoints, var.s3_bucket_arns]

  variables {
    name                = "atrium-development-of-the-second-team"
    availability_zones  = ["eu-central-1a"]
    cidr                = "10.0.0.0/15"
    flow_logs           = { retention_days = 31 }
    interface_endpoints = { s3 = {} }
    s3_bucket_arns      = ["atrium-dev-exports"]
  }
}

run "refuses_too_many_zones_and_too_small_a_network" {
  command         = plan
  expect_failures = [var.name, var.availability_zones, var.cidr, var.flow_logs, var.interface_endpoints]

  variables {
    name                = "Atrium-Dev"
    availability_zones  = [for letter in ["a", "b", "c", "d", "e", "f", "g"] : "us-east-1${letter}"]
    cidr                = "10.0.0.0/23"
    flow_logs           = { kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:alias/logs" }
    interface_endpoints = { ssm = { policy = "everything" } }
  }
}

run "refuses_a_zone_named_twice_and_an_ipv6_network" {
  command         = plan
  expect_failures = [var.availability_zones, var.cidr]

  variables {
    availability_zones = ["eu-central-1a", "eu-central-1a"]
    cidr               = "fd00::/16"
  }
}
