# Thresholds, and why: README, "Alarms".
locals {
  proxy_dimensions    = { ProxyName = aws_db_proxy.this.name }
  database_dimensions = { DBInstanceIdentifier = aws_db_instance.this.identifier }

  # Five-minute values, compared in three periods in a row, unless said otherwise.
  alarms = {
    proxy-borrow-latency = {
      description = "Clients of the proxy wait for a connection: the pool is too small, or transactions are too long."
      metric      = "DatabaseConnectionsBorrowLatency", dimensions = local.proxy_dimensions, statistic = "Average"
      comparison  = "GreaterThanThreshold", threshold = var.pool.borrow_seconds * 1000000 / 10 # microseconds
    }
    proxy-pinned = {
      description = "A session was pinned to its connection in each of the last three periods: a client changes session state. The proxy's log says how."
      metric      = "DatabaseConnectionsCurrentlySessionPinned", dimensions = local.proxy_dimensions, statistic = "Maximum"
      comparison  = "GreaterThanThreshold", threshold = 0
    }
    database-cpu = {
      description = "The database's processors are busy: Database Insights shows with which statements."
      metric      = "CPUUtilization", dimensions = local.database_dimensions, statistic = "Average"
      comparison  = "GreaterThanThreshold", threshold = 80 # percent
    }
    database-storage = {
      description = "The database's disk is nearly full and did not grow: max_storage_gb is reached, or it grew in the last six hours."
      metric      = "FreeStorageSpace", dimensions = local.database_dimensions, statistic = "Minimum"
      comparison  = "LessThanThreshold", threshold = var.database.storage_gb * 1024 * 1024 * 1024 / 20 # bytes
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if var.alarms_topic_arn != null }

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} Runbook: docs/runbooks/alarms.md#${each.key}"
  namespace           = "AWS/RDS"
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 3
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}

# A share, so that it means the same on every instance class: the proxy itself tells how many connections it may open.
resource "aws_cloudwatch_metric_alarm" "connections" {
  for_each = toset(var.alarms_topic_arn == null ? [] : ["proxy"])

  alarm_name          = "${var.name}-proxy-connections"
  alarm_description   = "The proxy holds more than eight in ten of the connections it may open: a larger instance class, or shorter transactions. Runbook: docs/runbooks/alarms.md#proxy-connections"
  evaluation_periods  = 3
  comparison_operator = "GreaterThanThreshold"
  threshold           = 80 # percent
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]

  metric_query {
    id          = "used"
    expression  = "100 * open / allowed"
    label       = "Percent of the connections that the proxy may open"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { open = "DatabaseConnections", allowed = "MaxDatabaseConnectionsAllowed" }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/RDS"
        metric_name = metric_query.value
        dimensions  = local.proxy_dimensions
        period      = 300
        stat        = "Sum" # every node of the proxy reports its own
      }
    }
  }
}
