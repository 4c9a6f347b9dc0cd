output "deploy_role_arns" {
  description = "Environment => ARN of its deploy role."
  value       = { for environment, role in aws_iam_role.deploy : environment => role.arn }
}

output "plan_role_arn" {
  description = "ARN of the read-only role for plans of pull requests."
  value       = aws_iam_role.planner["plan"].arn
}

output "propose_role_arn" {
  description = "ARN of the read-only role that makes and keeps the plans that are applied."
  value       = aws_iam_role.planner["propose"].arn
}

output "state_bucket" {
  description = "Bucket of the Terraform states, for -backend-config=bucket=…"
  value       = aws_s3_bucket.state.id
}
