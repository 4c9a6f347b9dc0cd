locals {
  function_alarms = var.alarms_topic_arn == null ? {} : merge([
    for folder, function in local.function_names : { for metric in ["Errors", "Throttles"] : "${folder}/${metric}" => { function = function, metric = metric } }
  ]...)
}

resource "aws_cloudwatch_metric_alarm" "function" {
  for_each = local.function_alarms

  alarm_name          = "${each.value.function}-${lower(each.value.metric)}"
  alarm_description   = "Function ${each.value.function}: ${lower(each.value.metric)} in the last five minutes; its log group says why."
  namespace           = "AWS/Lambda"
  metric_name         = each.value.metric
  dimensions          = { FunctionName = each.value.function }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}

resource "aws_cloudwatch_metric_alarm" "api_5xx" {
  for_each = toset(var.alarms_topic_arn == null ? [] : ["api"])

  alarm_name          = "${var.name}-api-5xx"
  alarm_description   = "More than one request in a hundred ended in a 5xx, twice in fifteen minutes; the access log names them."
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
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}
