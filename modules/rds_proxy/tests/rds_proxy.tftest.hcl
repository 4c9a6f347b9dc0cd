provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

override_data {
  target = data.aws_availability_zone.of_subnet
  values = { zone_id = "euc1-az2" }
}

override_data {
  target = data.aws_caller_identity.current
  values = { account_id = "000000000000" }
}

override_resource {
  target          = aws_kms_key.this
  override_during = plan
  values          = { arn = "arn:aws:kms:eu-central-1:000000000000:key/0a0a0a0a" }
}

override_resource {
  target          = aws_db_instance.this
  override_during = plan
  values = {
    master_user_secret = [{ secret_arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:rds!db-0a0a0a0a" }]
  }
}

override_resource {
  target          = aws_secretsmanager_secret.user["app"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/app-0a0a0a" }
}

override_resource {
  target          = aws_secretsmanager_secret.user["migrator"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/migrator-0a0a0a" }
}

override_resource {
  target          = aws_secretsmanager_secret.user["readonly"]
  override_during = plan
  values          = { arn = "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/readonly-0a0a0a" }
}

override_resource {
  target          = aws_db_proxy.this
  override_during = plan
  values          = { arn = "arn:aws:rds:eu-central-1:000000000000:db-proxy:prx-0a0a0a0a" }
}

override_resource {
  target          = aws_security_group.database
  override_during = plan
  values          = { id = "sg-0d0d0d0d" }
}

override_resource {
  target          = aws_security_group.proxy
  override_during = plan
  values          = { id = "sg-0e0e0e0e" }
}

variables {
  name       = "atrium-dev"
  vpc_id     = "vpc-0a0a0a0a"
  subnet_ids = { eu-central-1a = "subnet-0a0a0a0a", eu-central-1b = "subnet-0b0b0b0b" }
}

run "every_user_signs_in_by_iam_over_tls" {
  command = plan

  assert {
    condition     = aws_db_proxy.this.require_tls && aws_db_proxy.this.engine_family == "POSTGRESQL"
    error_message = "The proxy must refuse connections without TLS."
  }

  assert {
    condition = { for auth in aws_db_proxy.this.auth : auth.description => [auth.iam_auth, auth.auth_scheme, auth.secret_arn] } == {
      app      = ["REQUIRED", "SECRETS", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/app-0a0a0a"]
      migrator = ["REQUIRED", "SECRETS", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/migrator-0a0a0a"]
      postgres = ["REQUIRED", "SECRETS", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:rds!db-0a0a0a0a"]
      readonly = ["REQUIRED", "SECRETS", "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/readonly-0a0a0a"]
    }
    error_message = "Each user and the master must have a secret, and prove themselves by IAM."
  }

  assert {
    condition = output.connect_arns == {
      app      = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a0a0a0a/app"
      migrator = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a0a0a0a/migrator"
      postgres = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a0a0a0a/postgres"
      readonly = "arn:aws:rds-db:eu-central-1:000000000000:dbuser:prx-0a0a0a0a/readonly"
    }
    error_message = "rds-db:connect must name the proxy's resource id and the user."
  }

  assert {
    condition = jsondecode(aws_iam_role_policy.proxy.policy).Statement == [
      {
        Sid    = "ReadSecrets"
        Effect = "Allow"
        Action = "secretsmanager:GetSecretValue"
        Resource = [
          "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/app-0a0a0a",
          "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/migrator-0a0a0a",
          "arn:aws:secretsmanager:eu-central-1:000000000000:secret:rds!db-0a0a0a0a",
          "arn:aws:secretsmanager:eu-central-1:000000000000:secret:atrium-dev-database/readonly-0a0a0a",
        ]
      },
      {
        Sid       = "DecryptSecrets"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = "arn:aws:kms:eu-central-1:000000000000:key/0a0a0a0a"
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.eu-central-1.amazonaws.com" } }
      },
    ]
    error_message = "The proxy's role must read its own secrets with their key, and nothing else."
  }

  assert {
    condition = jsondecode(aws_iam_role.proxy.assume_role_policy).Statement == [{
      Effect    = "Allow"
      Principal = { Service = "rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
    error_message = "RDS must be able to assume the role: RDS Proxy sends no condition keys."
  }

  assert {
    condition = (
      aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == "arn:aws:kms:eu-central-1:000000000000:key/0a0a0a0a" &&
      aws_db_instance.this.master_user_secret_kms_key_id == aws_db_instance.this.kms_key_id &&
      aws_db_instance.this.performance_insights_kms_key_id == aws_db_instance.this.kms_key_id
    )
    error_message = "Storage, master secret and Performance Insights must be encrypted with the module's own key."
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation
    error_message = "The key must rotate."
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null && aws_db_instance.this.iam_database_authentication_enabled
    error_message = "RDS must keep the master's password, and people must be able to sign in by IAM."
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "atrium-dev-database-final"
    error_message = "The database must be protected against deletion, and leave a last snapshot."
  }

  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.backup_retention_period == 7
    error_message = "The database must be private and backed up."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.user : secret.recovery_window_in_days == 30])
    error_message = "A deleted secret must be recoverable."
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => [parameter.value, parameter.apply_method] }["rds.force_ssl"] == ["1", "pending-reboot"]
    error_message = "The database must refuse connections without TLS, in the way that AWS reads back."
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.database_from_bastion) + length(aws_vpc_security_group_ingress_rule.proxy_from_client) == 0
    error_message = "Without names neither database nor proxy may admit anyone."
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.this) + length(aws_cloudwatch_metric_alarm.connections) == 0
    error_message = "Without a topic there must be no alarm."
  }
}

run "features" {
  command = plan

  variables {
    alarms_topic_arn           = "arn:aws:sns:eu-central-1:000000000000:atrium-dev-alarms"
    bastion_security_group_ids = { bastion = "sg-0b0b0b0b" }
    client_security_group_ids  = { functions = "sg-0f0f0f0f" }
    deletion_protection        = false
    engine_version             = "18.1"
    final_snapshot             = false
    logs                       = { retention_days = 7, kms_key_arn = "arn:aws:kms:eu-central-1:000000000000:key/logs" }
    pool                       = { max_connections_percent = 80 }
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.database_from_proxy.security_group_id == "sg-0d0d0d0d" &&
      aws_vpc_security_group_ingress_rule.database_from_proxy.referenced_security_group_id == "sg-0e0e0e0e"
    )
    error_message = "The database must admit the proxy."
  }

  assert {
    condition = { for name, rule in aws_vpc_security_group_ingress_rule.database_from_bastion : name => [rule.security_group_id, rule.referenced_security_group_id] } == {
      bastion = ["sg-0d0d0d0d", "sg-0b0b0b0b"]
    }
    error_message = "The database must admit the named bastion."
  }

  assert {
    condition = { for name, rule in aws_vpc_security_group_ingress_rule.proxy_from_client : name => [rule.security_group_id, rule.referenced_security_group_id] } == {
      functions = ["sg-0e0e0e0e", "sg-0f0f0f0f"]
    }
    error_message = "The proxy must admit the named client."
  }

  assert {
    condition     = aws_vpc_security_group_egress_rule.proxy_to_database.referenced_security_group_id == "sg-0d0d0d0d"
    error_message = "The proxy must reach the database and nothing else."
  }

  assert {
    condition = alltrue([
      for rule in concat(
        values(aws_vpc_security_group_ingress_rule.database_from_bastion), values(aws_vpc_security_group_ingress_rule.proxy_from_client),
        [aws_vpc_security_group_ingress_rule.database_from_proxy],
      ) : rule.from_port == 5432 && rule.to_port == 5432 && rule.ip_protocol == "tcp"
    ])
    error_message = "Postgres' port must be the only one that is open."
  }

  assert {
    condition = (
      aws_db_proxy_default_target_group.this.connection_pool_config[0].connection_borrow_timeout == 5 &&
      aws_db_proxy_default_target_group.this.connection_pool_config[0].max_connections_percent == 80 &&
      aws_db_proxy_default_target_group.this.connection_pool_config[0].max_idle_connections_percent == 50 &&
      aws_db_proxy_default_target_group.this.connection_pool_config[0].init_query == null
    )
    error_message = "Every field of the pool must be stated, and no init_query."
  }

  assert {
    condition     = length(aws_cloudwatch_log_group.this) == 3 && alltrue([for group in aws_cloudwatch_log_group.this : group.retention_in_days == 7 && group.kms_key_id == var.logs.kms_key_arn])
    error_message = "Every log group must have the retention and the key of `logs`."
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == null
    error_message = "Without protection and snapshot the database must go at once."
  }

  assert {
    condition     = alltrue([for secret in aws_secretsmanager_secret.user : secret.recovery_window_in_days == 0])
    error_message = "Without protection the secrets must free their names at once."
  }

  assert {
    condition     = aws_db_parameter_group.this.family == "postgres18" && aws_db_parameter_group.this.name == "atrium-dev-postgres18"
    error_message = "The parameter group must belong to the engine's major version."
  }

  assert {
    condition = { for name, alarm in aws_cloudwatch_metric_alarm.this : name => [alarm.metric_name, one(values(alarm.dimensions)), alarm.comparison_operator, tostring(alarm.threshold)] } == {
      database-cpu         = ["CPUUtilization", "atrium-dev-database", "GreaterThanThreshold", "80"]
      database-storage     = ["FreeStorageSpace", "atrium-dev-database", "LessThanThreshold", "1073741824"]
      proxy-borrow-latency = ["DatabaseConnectionsBorrowLatency", "atrium-dev-proxy", "GreaterThanThreshold", "500000"]
      proxy-pinned         = ["DatabaseConnectionsCurrentlySessionPinned", "atrium-dev-proxy", "GreaterThanThreshold", "0"]
    }
    error_message = "The alarms must watch processors, 1 GiB of free storage, 0.5 s of waiting and pinned sessions."
  }

  assert {
    condition = (
      { for query in aws_cloudwatch_metric_alarm.connections["proxy"].metric_query : query.id => query.metric[0].metric_name if length(query.metric) > 0 } ==
      { open = "DatabaseConnections", allowed = "MaxDatabaseConnectionsAllowed" } &&
      [for query in aws_cloudwatch_metric_alarm.connections["proxy"].metric_query : query.expression if query.return_data == true] == ["100 * open / allowed"]
    )
    error_message = "Connections must be heard as a share of what the proxy may open."
  }

  assert {
    condition = alltrue([
      for alarm in concat(values(aws_cloudwatch_metric_alarm.this), values(aws_cloudwatch_metric_alarm.connections)) :
      one(alarm.alarm_actions) == var.alarms_topic_arn && one(alarm.ok_actions) == var.alarms_topic_arn
    ])
    error_message = "Each alarm must tell the topic."
  }
}

run "readme_example" {
  command = plan

  module {
    source = "./examples/basic"
  }

  override_data {
    target = module.rds_proxy.data.aws_availability_zone.of_subnet
    values = { zone_id = "euc1-az2" }
  }

  override_data {
    target = module.rds_proxy.data.aws_caller_identity.current
    values = { account_id = "000000000000" }
  }
}

run "a_zone_without_rds_proxy" {
  command = plan

  override_data {
    target = data.aws_availability_zone.of_subnet
    values = { zone_id = "use1-az3" }
  }

  expect_failures = [aws_db_proxy.this]
}
