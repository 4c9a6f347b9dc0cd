# Functions that a clock calls. EventBridge hands the event over and is done: retries and dead letters are async.tf's.
resource "aws_cloudwatch_event_rule" "schedule" {
  for_each = { for folder, function in local.functions : folder => function if function.schedule != null }

  name                = local.function_names[each.key]
  description         = "Calls ${local.function_names[each.key]}"
  schedule_expression = each.value.schedule
}

resource "aws_cloudwatch_event_target" "schedule" {
  for_each = aws_cloudwatch_event_rule.schedule

  rule = each.value.name
  arn  = aws_lambda_alias.live[each.key].arn
}

resource "aws_lambda_permission" "schedule" {
  for_each = aws_cloudwatch_event_rule.schedule

  statement_id  = "Schedule"
  action        = "lambda:InvokeFunction"
  principal     = "events.amazonaws.com"
  source_arn    = each.value.arn
  function_name = aws_lambda_function.this[each.key].function_name
  qualifier     = aws_lambda_alias.live[each.key].name
}
