# Functions that the table's stream calls. Its defaults would try a record that always fails until it expires, a day later, and
# hold up all that come after it; here a bad record is found by halving, tried a few times and put aside.
locals {
  stream_readers = { for folder, function in local.functions : folder => function if function.trigger == "user_attributes.stream" }
}

resource "aws_lambda_event_source_mapping" "stream" {
  for_each = local.stream_readers

  event_source_arn               = local.user_attributes.stream_arn
  function_name                  = aws_lambda_alias.live[each.key].arn
  starting_position              = "TRIM_HORIZON" # also what was written before the mapping was there
  batch_size                     = 100
  parallelization_factor         = 1 # what happens to one key comes in order
  bisect_batch_on_function_error = true
  function_response_types        = ["ReportBatchItemFailures"]
  maximum_retry_attempts         = 10
  maximum_record_age_in_seconds  = 3600 # leaves 23 hours to read it from the stream by what the queue says

  filter_criteria {
    dynamic "filter" {
      for_each = each.value.filters

      content {
        pattern = filter.value
      }
    }
  }

  destination_config {
    on_failure {
      destination_arn = aws_sqs_queue.dead_letters[each.key].arn
    }
  }

  # AWS asks whether the role may read and send before it takes the mapping.
  depends_on = [aws_iam_role_policy.dead_letters, aws_iam_role_policy.stream]
}

# What Lambda asks of a role: the stream alone, but for ListStreams, which has no resource in AWS's service authorization reference (as
# AWSLambdaDynamoDBExecutionRole has it; a stream's ARN would match nothing). The table's key admits callers through DynamoDB.
resource "aws_iam_role_policy" "stream" {
  for_each = local.stream_readers

  name = "stream"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Allow"
        Action   = ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"]
        Resource = local.user_attributes.stream_arn
      },
      { Effect = "Allow", Action = "dynamodb:ListStreams", Resource = "*" },
    ]
  })
}
