# By id, as a name stands for another zone in every account.
data "aws_availability_zone" "of_subnet" {
  for_each = var.subnet_ids

  name = each.key
}

locals {
  # RDS Proxy drops the subnets of these without a word, and every later plan replaces the proxy (provider #17781, #23446).
  zone_ids_without_proxy = ["use1-az3", "usw1-az2"]
  zones_without_proxy    = [for name, zone in data.aws_availability_zone.of_subnet : "${name} (${zone.zone_id})" if contains(local.zone_ids_without_proxy, zone.zone_id)]
}

resource "aws_db_proxy" "this" {
  name                   = "${var.name}-proxy"
  engine_family          = "POSTGRESQL"
  role_arn               = aws_iam_role.proxy.arn
  vpc_subnet_ids         = values(var.subnet_ids)
  vpc_security_group_ids = [aws_security_group.proxy.id]
  require_tls            = true
  idle_client_timeout    = var.pool.idle_client_seconds

  # The client proves itself by IAM; the proxy then signs in with the user's secret. Which user that is, the secret's own
  # "username" says. client_password_auth_type is stated because a later change of it is not detected (provider #39465).
  dynamic "auth" {
    for_each = local.secret_arns

    content {
      auth_scheme               = "SECRETS"
      client_password_auth_type = "POSTGRES_SCRAM_SHA_256"
      description               = auth.key
      iam_auth                  = "REQUIRED"
      secret_arn                = auth.value
    }
  }

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy.proxy]

  lifecycle {
    precondition {
      condition     = length(local.zones_without_proxy) == 0
      error_message = "RDS Proxy does not serve ${join(", ", local.zones_without_proxy)}. Choose other zones for the subnets in subnet_ids."
    }
  }
}

# Every field is stated, and init_query left alone: one that is removed later is never taken back (provider #49875).
resource "aws_db_proxy_default_target_group" "this" {
  db_proxy_name = aws_db_proxy.this.name

  connection_pool_config {
    connection_borrow_timeout    = var.pool.borrow_seconds
    max_connections_percent      = var.pool.max_connections_percent
    max_idle_connections_percent = var.pool.max_idle_connections_percent
    session_pinning_filters      = []
  }
}

resource "aws_db_proxy_target" "this" {
  db_proxy_name          = aws_db_proxy.this.name
  target_group_name      = aws_db_proxy_default_target_group.this.name
  db_instance_identifier = aws_db_instance.this.identifier

  # A replaced proxy of the same name has lost its target, and nothing else would tell (provider #45738).
  lifecycle {
    replace_triggered_by = [aws_db_proxy.this.id]
  }
}
