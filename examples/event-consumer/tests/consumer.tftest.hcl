# The root for a newsletter. Planned by the real provider without an account.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  account_id = "000000000000"
  event_bus  = "atrium-dev-events"
  region     = "eu-central-1"
}

override_resource {
  target          = aws_cloudwatch_event_rule.users
  override_during = plan
  values          = { arn = "arn:aws:events:eu-central-1:000000000000:rule/atrium-dev-events/newsletter-users" }
}

override_resource {
  target          = aws_sqs_queue.events
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:newsletter-users", url = "https://sqs/events" }
}

override_resource {
  target          = aws_sqs_queue.dead_letters
  override_during = plan
  values          = { arn = "arn:aws:sqs:eu-central-1:000000000000:newsletter-users-dead-letters", url = "https://sqs/dead-letters" }
}

run "events_reach_the_queue_or_a_dead_letter_queue" {
  command = plan

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.users.event_pattern) == { source = ["atrium"], detail-type = ["user.created", "user.erased"] } && aws_cloudwatch_event_rule.users.event_bus_name == "atrium-dev-events"
    error_message = "The rule selects events of Atrium on its bus."
  }

  assert {
    condition     = aws_cloudwatch_event_target.users.arn == aws_sqs_queue.events.arn && aws_cloudwatch_event_target.users.dead_letter_config[0].arn == aws_sqs_queue.dead_letters.arn && aws_cloudwatch_event_target.users.event_bus_name == "atrium-dev-events"
    error_message = "Events that EventBridge cannot deliver go to the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.events.redrive_policy) == { deadLetterTargetArn = aws_sqs_queue.dead_letters.arn, maxReceiveCount = 5 }
    error_message = "Events that the consumer cannot handle go to the dead-letter queue."
  }

  assert {
    condition     = alltrue([for policy in aws_sqs_queue_policy.rule : jsondecode(policy.policy).Statement[0].Condition.ArnEquals["aws:SourceArn"] == aws_cloudwatch_event_rule.users.arn]) && jsondecode(aws_sqs_queue_policy.rule["events"].policy).Statement[0].Resource == aws_sqs_queue.events.arn && jsondecode(aws_sqs_queue_policy.rule["dead_letters"].policy).Statement[0].Resource == aws_sqs_queue.dead_letters.arn
    error_message = "Both queues accept messages of this rule only."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.dead_letters.dimensions.QueueName == "newsletter-users-dead-letters"
    error_message = "The alarm watches the dead-letter queue."
  }
}

run "a_consumer_that_would_keep_erased_people_is_refused" {
  command = plan

  variables {
    types = ["user.created"]
  }

  expect_failures = [var.types]
}

run "an_unknown_type_is_refused" {
  command = plan

  variables {
    types = ["user.erased", "user.renamed"]
  }

  expect_failures = [var.types]
}

run "the_default_bus_is_refused" {
  command = plan

  variables {
    event_bus = "default"
  }

  expect_failures = [var.event_bus]
}
