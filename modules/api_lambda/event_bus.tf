# The bus of events for other services, if a function publishes any. Consumers add rules of their own: docs/events.md.
locals {
  publishers = { for folder, function in local.functions : folder => function if function.event_bus }
}

resource "aws_cloudwatch_event_bus" "events" {
  for_each = toset(length(local.publishers) > 0 ? ["events"] : [])

  name        = "${var.name}-events"
  description = "Changes of users and their rights, for other services"
}

resource "aws_iam_role_policy" "event_bus" {
  for_each = local.publishers

  name = "event_bus"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "events:PutEvents"
      Resource = aws_cloudwatch_event_bus.events["events"].arn
    }]
  })
}
