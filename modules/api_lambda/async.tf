# Functions that nobody waits for: called asynchronously, by a schedule or by the stream. Lambda tries again by itself; what
# still fails, or waited too long, lies in the queue with its error until somebody has read it.
locals {
  async    = { for folder, function in local.functions : folder => function.async if function.async != null }
  unwaited = setunion(keys(local.async), keys(local.stream_readers))
}

# Under SQS's key in KMS, which Lambda may use in the name of a role that may send.
resource "aws_sqs_queue" "dead_letters" {
  #checkov:skip=CKV2_AWS_73:A key of our own would cost by the month and be one more right of every role; either way IAM decides who reads the queue.
  for_each = local.unwaited

  name                      = "${local.function_names[each.key]}-dead-letters"
  message_retention_seconds = 1209600 # 14 days, the most there is
  kms_master_key_id         = "alias/aws/sqs"
}

resource "aws_iam_role_policy" "dead_letters" {
  for_each = local.unwaited

  name = "dead_letters"
  role = aws_iam_role.function[each.key].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "sqs:SendMessage"
      Resource = aws_sqs_queue.dead_letters[each.key].arn
    }]
  })
}

resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = local.async

  function_name                = aws_lambda_function.this[each.key].function_name
  qualifier                    = aws_lambda_alias.live[each.key].name
  maximum_retry_attempts       = each.value.retries
  maximum_event_age_in_seconds = each.value.max_age

  destination_config {
    on_failure {
      destination = aws_sqs_queue.dead_letters[each.key].arn
    }
  }

  # AWS asks whether the role may send before it takes the destination.
  depends_on = [aws_iam_role_policy.dead_letters]
}
