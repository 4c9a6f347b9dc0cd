# What Cognito turned away because too much came at once; its quotas are per account and region, and can be raised.
resource "aws_cloudwatch_metric_alarm" "throttles" {
  for_each = toset(var.alarms_topic_arn == null ? [] : ["SignIn", "SignUp", "TokenRefresh"])

  alarm_name          = "${var.name}-cognito-${lower(each.key)}-throttles"
  alarm_description   = "Cognito turned requests away in the last five minutes (${each.key}): see its quotas in Service Quotas, and who asks so often. Runbook: docs/runbooks/alarms.md#cognito-throttles"
  namespace           = "AWS/Cognito"
  metric_name         = "${each.key}Throttles"
  dimensions          = { UserPool = aws_cognito_user_pool.this.id, UserPoolClient = aws_cognito_user_pool_client.this.id }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [var.alarms_topic_arn]
  ok_actions          = [var.alarms_topic_arn]
}
