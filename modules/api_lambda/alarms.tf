locals {
  alarm_actions = var.alarms_topic_arn == null ? [] : [var.alarms_topic_arn]

  # Folder/metric => what is too much of it in five minutes. A function that comes near its timeout is about to be cut off.
  function_alarms = var.alarms_topic_arn == null ? {} : merge([
    for folder, function in local.functions : {
      "${folder}/Errors"    = { folder = folder, metric = "Errors", statistic = "Sum", threshold = 1 }
      "${folder}/Throttles" = { folder = folder, metric = "Throttles", statistic = "Sum", threshold = 1 }
      "${folder}/Duration"  = { folder = folder, metric = "Duration", statistic = "Maximum", threshold = function.timeout * 900 } # ms, 90 %
    }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "${local.function_names[each.value.folder]}-${lower(each.value.metric)}"
  alarm_description   = "Function ${local.function_names[each.value.folder]}: ${each.value.metric} (${each.value.statistic}) in five minutes; its log group says why. Runbook: docs/runbooks/alarms.md#function-${lower(each.value.metric)}"
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = local.function_names[each.value.folder] }
  statistic           = each.value.statistic
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = each.value.threshold
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  for_each = var.alarms_topic_arn == null ? {} : aws_sqs_queue.dead_letters

  alarm_name          = each.value.name
  alarm_description   = "Events that ${local.function_names[each.key]} could not handle lie in ${each.value.name}. Read them there, and send again what still counts. Runbook: docs/runbooks/alarms.md#dead-letters"
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "iterator_age" {
  for_each = var.alarms_topic_arn == null ? {} : aws_lambda_event_source_mapping.stream

  alarm_name          = "${local.function_names[each.key]}-iteratorage"
  alarm_description   = "Records waited more than a minute for ${local.function_names[each.key]}: it fails, is throttled or is too slow. After an hour they go to its dead letters. Runbook: docs/runbooks/alarms.md#iterator-age"
  namespace           = "AWS/Lambda"
  metric_name         = "IteratorAge"
  dimensions          = { FunctionName = local.function_names[each.key] }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 60000 # ms
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# The function counts them itself: functions/pre_token_generation/bounds.py.
resource "aws_cloudwatch_metric_alarm" "claims_left_out" {
  for_each = {
    for folder, function in local.functions : folder => function
    if var.alarms_topic_arn != null && function.trigger == "cognito.PreTokenGeneration"
  }

  alarm_name          = "${local.function_names[each.key]}-claims-left-out"
  alarm_description   = "Someone's roles or attributes did not fit into their token. The log of ${local.function_names[each.key]} names the user and what was left out: revoke roles, or shorten the attributes. Runbook: docs/runbooks/alarms.md#claims-left-out"
  namespace           = "Atrium"
  metric_name         = "ClaimsLeftOut"
  dimensions          = { FunctionName = local.function_names[each.key] }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# The function counts them: functions/identity_commands/administrators.py.
resource "aws_cloudwatch_metric_alarm" "no_administrator" {
  for_each = {
    for folder, function in local.functions : folder => function
    if var.alarms_topic_arn != null && folder == "identity_commands"
  }

  alarm_name          = "${local.function_names[each.key]}-no-administrator"
  alarm_description   = "Nobody who holds the role admin can sign in: their accounts are disabled or missing in the user pool. Run `make admin ENV=… EMAIL=…`. Runbook: docs/runbooks/last-administrator.md"
  namespace           = "Atrium"
  metric_name         = "AdministratorsAbleToSignIn"
  dimensions          = { FunctionName = local.function_names[each.key] }
  statistic           = "Maximum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# The function counts it at the end of each pass, about once a day: functions/reconcile/passes.py.
resource "aws_cloudwatch_metric_alarm" "identity_drift" {
  for_each = {
    for folder, function in local.functions : folder => function
    if var.alarms_topic_arn != null && folder == "reconcile"
  }

  alarm_name          = "${local.function_names[each.key]}-identity-drift"
  alarm_description   = "The user pool and our records differ, and nothing has repaired it. Run `make reconcile ENV=…`, which lists the differences. Runbook: docs/runbooks/reconcile.md"
  namespace           = "Atrium"
  metric_name         = "IdentityDrift"
  dimensions          = { FunctionName = local.function_names[each.key] }
  statistic           = "Maximum"
  period              = 900
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "ignore" # the state stays until the next pass has ended
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

resource "aws_cloudwatch_metric_alarm" "api_5xx" {
  for_each = toset(var.alarms_topic_arn == null ? [] : ["api"])

  alarm_name          = "${var.name}-api-5xx"
  alarm_description   = "More than one request in a hundred ended in a 5xx, twice in fifteen minutes; the access log names them. Runbook: docs/runbooks/alarms.md#api-5xx"
  namespace           = "AWS/ApiGateway"
  metric_name         = "5XXError"
  dimensions          = { ApiName = aws_api_gateway_rest_api.this.name, Stage = aws_api_gateway_stage.this.stage_name }
  statistic           = "Average"
  period              = 300
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0.01
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
}

# Few requests make no percentile: where the API idles, one cold start is the slowest hundredth.
resource "aws_cloudwatch_metric_alarm" "api_p99" {
  for_each = toset(var.alarms_topic_arn == null ? [] : ["api"])

  alarm_name                            = "${var.name}-api-p99"
  alarm_description                     = "The slowest hundredth of requests took more than two seconds, twice in fifteen minutes; the saved query \"slow requests\" names them. Runbook: docs/runbooks/alarms.md#api-p99"
  namespace                             = "AWS/ApiGateway"
  metric_name                           = "Latency"
  dimensions                            = { ApiName = aws_api_gateway_rest_api.this.name, Stage = aws_api_gateway_stage.this.stage_name }
  extended_statistic                    = "p99"
  evaluate_low_sample_count_percentiles = "ignore"
  period                                = 300
  evaluation_periods                    = 3
  datapoints_to_alarm                   = 2
  comparison_operator                   = "GreaterThanThreshold"
  threshold                             = 2000 # ms
  treat_missing_data                    = "notBreaching"
  alarm_actions                         = local.alarm_actions
  ok_actions                            = local.alarm_actions
}
