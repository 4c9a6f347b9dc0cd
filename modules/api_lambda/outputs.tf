output "api_id" {
  description = "Id of the REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "api_url" {
  description = "Address of the stage."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "cognito_triggers" {
  description = "Trigger of the pool => ARN of the alias that answers it."
  value = {
    for folder, function in local.functions : trimprefix(function.trigger, "cognito.") => aws_lambda_alias.live[folder].arn
    if startswith(function.trigger, "cognito.")
  }
}

output "functions" {
  description = "Folder => name of its function."
  value       = { for folder, function in aws_lambda_function.this : folder => function.function_name }
}

output "postgres_client_security_group_id" {
  description = "Security group of the functions that declare postgres, for the proxy's ingress rule."
  value       = aws_security_group.postgres_clients.id
}

output "stage_arn" {
  description = "ARN of the API's stage."
  value       = aws_api_gateway_stage.this.arn
}
