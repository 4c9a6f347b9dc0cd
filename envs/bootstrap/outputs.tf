output "deploy_role_arns" {
  description = "Environment => role that deploys it."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "plan_role_arn" {
  description = "Role that plans."
  value       = aws_iam_role.plan.arn
}

output "state_bucket" {
  description = "Bucket of the states, for -backend-config=bucket=…"
  value       = aws_s3_bucket.state.id
}
