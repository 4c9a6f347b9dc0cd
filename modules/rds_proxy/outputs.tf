locals {
  # arn:<partition>:rds:<region>:<account>:db-proxy:prx-…
  proxy_arn_parts = split(":", aws_db_proxy.this.arn)
  database_users_arn = format(
    "arn:%s:rds-db:%s:%s:dbuser:%s",
    local.proxy_arn_parts[1], local.proxy_arn_parts[3], local.proxy_arn_parts[4], local.proxy_arn_parts[6]
  )
}

output "connect_arns" {
  description = "Database user => ARN for rds-db:connect through the proxy; postgres, the master, included."
  value       = { for user in setunion(var.users, ["postgres"]) : user => "${local.database_users_arn}/${user}" }
}

output "database_endpoint" {
  description = "Host and port of the database itself, for the bastion."
  value       = aws_db_instance.this.endpoint
}

output "database_name" {
  description = "Name of the initial database."
  value       = aws_db_instance.this.db_name
}

output "database_security_group_id" {
  description = "Security group of the database."
  value       = aws_security_group.database.id
}

output "kms_key_arn" {
  description = "KMS key of the storage and the secrets. Callers of Secrets Manager need no permission on the key."
  value       = aws_kms_key.this.arn
}

output "master_secret_arn" {
  description = "Secret of the master user, which RDS creates and rotates."
  value       = local.master_secret_arn
}

output "proxy_arn" {
  description = "ARN of the proxy."
  value       = aws_db_proxy.this.arn
}

output "proxy_endpoint" {
  description = "Host of the proxy."
  value       = aws_db_proxy.this.endpoint
}

output "proxy_port" {
  description = "Port of the proxy, from its registered target."
  value       = aws_db_proxy_target.this.port
}

output "proxy_security_group_id" {
  description = "Security group of the proxy, for the clients' egress rule."
  value       = aws_security_group.proxy.id
}

output "user_secret_arns" {
  description = "Database user => ARN of its secret, without the master user."
  value       = local.user_secret_arns
}
