# The sum of several metrics each, which costs the same as an alarm per metric and sends one message. DynamoDB counts throttled events
# by table and by index, errors of its own by operation, and reports nothing at all where there was none.
locals {
  table     = { TableName = aws_dynamodb_table.user_attributes.name }
  throttled = { table = local.table, gsi1 = merge(local.table, { GlobalSecondaryIndexName = "GSI1" }), gsi2 = merge(local.table, { GlobalSecondaryIndexName = "GSI2" }) }

  alarms = {
    throttles = {
      description = "Requests on the table or an index were throttled: a partition takes 3,000 reads and 1,000 writes a second, an on-demand table twice its earlier peak."
      metrics = merge(
        { for key, dimensions in local.throttled : "reads_${key}" => { name = "ReadThrottleEvents", dimensions = dimensions } },
        { for key, dimensions in local.throttled : "writes_${key}" => { name = "WriteThrottleEvents", dimensions = dimensions } },
      )
    }
    errors = {
      description = "DynamoDB answered with an error of its own (5xx), twice in fifteen minutes: see AWS's health dashboard."
      metrics = { for operation in ["GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem"] :
        lower(operation) => { name = "SystemErrors", dimensions = merge(local.table, { Operation = operation }) }
      }
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "this" {
  for_each = { for name, alarm in local.alarms : name => alarm if var.alarms_topic_arn != null }

  alarm_name          = "${var.name}-user-attributes-${each.key}"
  alarm_description   = "${each.value.description} Runbook: docs/runbooks/alarms.md#table-${each.key}"
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]

  metric_query {
    id          = "total"
    expression  = "SUM(FILL(METRICS(), 0))"
    label       = each.key
    return_data = true
  }

  dynamic "metric_query" {
    for_each = each.value.metrics

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/DynamoDB"
        metric_name = metric_query.value.name
        dimensions  = metric_query.value.dimensions
        period      = 300
        stat        = "Sum"
      }
    }
  }
}
