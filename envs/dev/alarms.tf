# One topic for every alarm of the environment, and one key for the topic and, where wanted, the logs. No composite alarms:
# docs/decisions/0005-observability.md.
locals {
  # What format returns is never null, which modules may then ask at plan time, before the topic has its ARN.
  alarms_topic_arn = local.alarms ? format("%s", aws_sns_topic.alarms[local.stage].arn) : null
  logs_key_arn     = local.encrypt_logs ? aws_kms_key.telemetry[local.stage].arn : null
}

data "aws_partition" "current" {}

resource "aws_kms_key" "telemetry" {
  for_each = toset(local.alarms || local.encrypt_logs ? [local.stage] : [])

  description             = "${local.name}: alarms and logs"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministersByIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${var.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "AlarmsReachTheTopic"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey*"]
        Resource  = "*"
        Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
      },
      {
        Sid       = "LogGroupsOfTheEnvironment"
        Effect    = "Allow"
        Principal = { Service = "logs.${local.region}.amazonaws.com" }
        Action    = ["kms:Decrypt*", "kms:Describe*", "kms:Encrypt*", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          ArnLike = {
            "kms:EncryptionContext:aws:logs:arn" = "arn:${data.aws_partition.current.partition}:logs:${local.region}:${var.account_id}:log-group:*${local.name}*"
          }
        }
      },
    ]
  })

  tags = { Name = "${local.name}-telemetry" }
}

resource "aws_kms_alias" "telemetry" {
  for_each = aws_kms_key.telemetry

  name          = "alias/${local.name}-telemetry"
  target_key_id = each.value.key_id
}

resource "aws_sns_topic" "alarms" {
  for_each = toset(local.alarms ? [local.stage] : [])

  name              = "${local.name}-alarms"
  kms_master_key_id = aws_kms_key.telemetry[each.key].arn
}

resource "aws_sns_topic_policy" "alarms" {
  for_each = aws_sns_topic.alarms

  arn = each.value.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsOfThisAccount"
      Effect    = "Allow"
      Principal = { Service = "cloudwatch.amazonaws.com" }
      Action    = "sns:Publish"
      Resource  = each.value.arn
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = local.alarms ? var.alarm_emails : []

  topic_arn = aws_sns_topic.alarms[local.stage].arn
  protocol  = "email"
  endpoint  = each.key
}
