# Made first, with a retention: groups that RDS makes itself are kept for ever, outside the state.
resource "aws_cloudwatch_log_group" "this" {
  for_each = {
    postgresql = "/aws/rds/instance/${var.name}-database/postgresql"
    proxy      = "/aws/rds/proxy/${var.name}-proxy"
    upgrade    = "/aws/rds/instance/${var.name}-database/upgrade"
  }

  name              = each.value
  retention_in_days = var.log_retention_days
}
