locals {
  master_secret_arn = one(aws_db_instance.this.master_user_secret[*].secret_arn)
  user_secret_arns  = { for user, secret in aws_secretsmanager_secret.user : user => secret.arn }
  secret_arns       = merge(local.user_secret_arns, { postgres = local.master_secret_arn })
}

# Empty on purpose: a value would lie in the Terraform state. The launcher db_credentials writes and rotates them.
resource "aws_secretsmanager_secret" "user" {
  #checkov:skip=CKV2_AWS_57:db_credentials rotates it, from outside the VPC with the verifier sent inside; Secrets Manager's own rotation would need a NAT.
  for_each = var.users

  name        = "${var.name}-database/${each.key}"
  description = "Password of database user ${each.key}, read by RDS Proxy"
  kms_key_id  = aws_kms_key.this.arn

  # Without protection the secret goes at once, so that a throw-away environment can be made again under its name.
  recovery_window_in_days = var.deletion_protection ? 30 : 0
}
