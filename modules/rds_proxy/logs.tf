# Made first, with a retention: groups that RDS makes itself are kept for ever, outside the state.
resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_158:Set by logs.kms_key_arn. Without it CloudWatch Logs encrypts with a key of its own.
  #checkov:skip=CKV_AWS_338:Set by logs.retention_days. dev forgets after two weeks, prod after a year.
  for_each = {
    postgresql = "/aws/rds/instance/${var.name}-database/postgresql"
    proxy      = "/aws/rds/proxy/${var.name}-proxy"
    upgrade    = "/aws/rds/instance/${var.name}-database/upgrade"
  }

  name              = each.value
  retention_in_days = var.logs.retention_days
  kms_key_id        = var.logs.kms_key_arn
}
