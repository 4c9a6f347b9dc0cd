# What the module refuses: one value per variable in a run, as one refusal hides the next of the same variable.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

run "values" {
  command = plan

  variables {
    name             = "Atrium-test"
    alarms_topic_arn = "alarms"
    custom_domain    = { domain_name = "https://api.example.org", certificate_arn = "arn:aws:acm:eu-central-1:000000000000:certificate/0a" }
    environment      = { nobody = { SETTING = "lost" } }
    logs             = { retention_days = 31 }
    network          = { vpc_id = "vpc-0a", subnet_ids = ["private"], dynamodb_prefix_list_id = "pl-0a" }
    postgres = {
      host              = "proxy.test"
      port              = 5432
      database          = "atrium"
      security_group_id = "proxy"
      connect_arns      = {}
      secret_arns       = {}
    }
    runtime         = { architecture = "riscv" }
    throttling      = { rate_limit = 10, burst_limit = 5 }
    user_attributes = { table_name = "any", table_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/*", stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any/stream/2026" }
    user_pool       = { arn = "*" }
    waf             = { requests_per_address = 1 }
  }

  expect_failures = [
    var.name, var.alarms_topic_arn, var.custom_domain, var.environment, var.logs, var.network, var.postgres, var.runtime,
    var.throttling, var.user_attributes, var.user_pool, var.waf,
  ]
}

run "wildcards_and_an_empty_build" {
  command = plan

  variables {
    build_dir     = "./tests/fixtures/nowhere"
    custom_domain = { domain_name = "api.example.org", certificate_arn = "example.org" }
    environment   = { profile = { EMAIL_DOMAINS_DENIED = "mailinator.com, *.example.com" } }
    logs          = { kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:alias/logs" }
    network       = { vpc_id = "vpc-0a", subnet_ids = ["subnet-0a"], dynamodb_prefix_list_id = "all" }
    postgres = {
      host              = "proxy.test"
      port              = 5432
      database          = "atrium"
      security_group_id = "sg-0a"
      connect_arns      = { app = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:*/app" }
      secret_arns       = {}
    }
    user_attributes = { table_name = "any", table_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any", stream_arn = "*" }
    user_pool       = { arn = "arn:aws:cognito-idp:eu-central-1:000000000000:userpool/eu-central-1_pool", token_url = "sign-in.example.org" }
  }

  expect_failures = [var.build_dir, var.custom_domain, var.environment, var.logs, var.network, var.postgres, var.user_attributes, var.user_pool]
}

run "unknown_choices" {
  command = plan

  variables {
    environment = { profile = { EMAIL_PLUS_ADDRESSES = "no" } }
  }

  expect_failures = [var.environment]
}

run "a_consent_version_with_a_space" {
  command = plan

  variables {
    environment = { profile = { REQUIRED_CONSENT_VERSION = "January 2026" } }
  }

  expect_failures = [var.environment]
}

# In a run of its own: Terraform does not judge what depends on a value that it has refused.
run "no_functions" {
  command = plan

  variables {
    functions_dir = "./tests/fixtures/nowhere"
  }

  expect_failures = [var.functions_dir]
}

run "executions_for_nobody" {
  command = plan

  variables {
    runtime = { reserved_concurrency = { nobody = 1 } }
  }

  expect_failures = [var.runtime]
}

run "less_than_no_executions" {
  command = plan

  variables {
    runtime = { reserved_concurrency = { profile = -1 } }
  }

  expect_failures = [var.runtime]
}

run "any_secret_and_the_stage_of_another_name" {
  command = plan

  variables {
    user_attributes = { table_name = "any", table_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any", stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any/stream/2026", refresh_token_days = 0 }
    environment     = { greeting = { AWS_REGION = "eu-central-1" } }
    postgres = {
      host              = "proxy.test"
      port              = 5432
      database          = "atrium"
      security_group_id = "sg-0a"
      connect_arns      = {}
      secret_arns       = { app = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:*" }
    }
    stage = "prod"
  }

  expect_failures = [var.environment, var.postgres, var.stage, var.user_attributes]
}

run "a_host_with_its_port_and_a_stage_with_a_hyphen" {
  command = plan

  variables {
    name  = "atrium-the-test"
    stage = "the-test"
    postgres = {
      host              = "proxy.test:5432"
      port              = 5432
      database          = "atrium"
      security_group_id = "sg-0a"
      connect_arns      = {}
      secret_arns       = {}
    }
  }

  expect_failures = [var.postgres, var.stage]
}

run "a_boundary_by_its_name" {
  command = plan

  variables {
    runtime = { role_boundary_arn = "PowerUserAccess" }
  }

  expect_failures = [var.runtime]
}

run "an_address_as_the_bucket_of_the_code" {
  command = plan

  variables {
    runtime = { code_bucket = "s3://code" }
  }

  expect_failures = [var.runtime]
}

run "docs_with_a_slash_at_their_end" {
  command = plan

  variables {
    runtime = { docs_url = "https://docs.example.org/" }
  }

  expect_failures = [var.runtime]
}

run "a_role_that_needs_mfa_with_a_wrong_name" {
  command = plan

  variables {
    user_attributes = { table_name = "any", table_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any", stream_arn = "arn:aws:dynamodb:eu-central-1:000000000000:table/any/stream/2026", mfa_roles = ["Admin"] }
  }

  expect_failures = [var.user_attributes]
}
