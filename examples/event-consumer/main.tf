# A queue with the events of a bus. The consumer reads it with a role of its own.
resource "aws_cloudwatch_event_rule" "users" {
  name           = var.name
  description    = "Events of Atrium for ${var.name}"
  event_bus_name = var.event_bus
  event_pattern  = jsonencode({ source = ["atrium"], detail-type = var.types })
}

resource "aws_cloudwatch_event_target" "users" {
  rule           = aws_cloudwatch_event_rule.users.name
  event_bus_name = aws_cloudwatch_event_rule.users.event_bus_name
  arn            = aws_sqs_queue.events.arn

  # EventBridge puts events here that it could not deliver for a day.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }
}

resource "aws_sqs_queue" "events" {
  name                       = var.name
  message_retention_seconds  = 1209600 # 14 days, the most there is
  sqs_managed_sse_enabled    = true
  visibility_timeout_seconds = 60

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = 5
  })
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 1209600
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue_policy" "rule" {
  for_each = { events = aws_sqs_queue.events, dead_letters = aws_sqs_queue.dead_letters }

  queue_url = each.value.url
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "events.amazonaws.com" }
      Action    = "sqs:SendMessage"
      Resource  = each.value.arn
      Condition = { ArnEquals = { "aws:SourceArn" = aws_cloudwatch_event_rule.users.arn } }
    }]
  })
}

# An event here is a change that the consumer does not know of, e.g. an erasure.
resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = aws_sqs_queue.dead_letters.name
  alarm_description   = "Events of Atrium were not consumed. Mend the consumer, then start a redrive of this queue."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
}
