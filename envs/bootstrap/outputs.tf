output "deploy_role_arns" {
  description = "Environment => ARN of its deploy role."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "plan_role_arn" {
  description = "ARN of the read-only role for plans."
  value       = aws_iam_role.plan.arn
}

output "state_bucket" {
  description = "Bucket of the Terraform states, for -backend-config=bucket=…"
  value       = aws_s3_bucket.state.id
}
