output "index_arn_pattern" {
  description = "Pattern that covers every index of the table, for IAM statements that query one."
  value       = "${aws_dynamodb_table.user_attributes.arn}/index/*"
}

output "kms_key_arn" {
  description = "KMS key of the table. Callers of DynamoDB need no permission on the key."
  value       = aws_kms_key.this.arn
}

output "stream_arn" {
  description = "Stream of new and old images."
  value       = aws_dynamodb_table.user_attributes.stream_arn
}

output "table_arn" {
  description = "ARN of the table."
  value       = aws_dynamodb_table.user_attributes.arn
}

output "table_name" {
  description = "Name of the table."
  value       = aws_dynamodb_table.user_attributes.name
}
