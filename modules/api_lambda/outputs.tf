output "api_id" {
  description = "Id of the REST API."
  value       = aws_api_gateway_rest_api.this.id
}

output "api_url" {
  description = "Address of the stage."
  value       = aws_api_gateway_stage.this.invoke_url
}

output "cognito_triggers" {
  description = "Trigger of the pool => ARN of the alias that handles it."
  value = {
    for folder, function in local.functions : trimprefix(function.trigger, "cognito.") => aws_lambda_alias.live[folder].arn
    if startswith(function.trigger, "cognito.")
  }
}

# With the next output: what `make deploy SERVICE=…` compares, since only an apply may change it.
output "contract_hashes" {
  description = "Folder => SHA-256 of its part of the contract, as applied."
  value       = { for file in fileset(var.functions_dir, "*/openapi.yaml") : dirname(file) => filesha256("${var.functions_dir}/${file}") }
}

output "dead_letter_queues" {
  description = "Folder => name of the dead-letter queue of its function."
  value       = { for folder, queue in aws_sqs_queue.dead_letters : folder => queue.name }
}

output "domain_target" {
  description = "Target of the custom domain's DNS record; null without one."
  value       = one([for domain in aws_api_gateway_domain_name.this : domain.regional_domain_name])
}

output "domain_target_zone_id" {
  description = "Route 53 zone of that target, for an alias record; null without one."
  value       = one([for domain in aws_api_gateway_domain_name.this : domain.regional_zone_id])
}

output "function_declarations" {
  description = "Folder => its function.yaml, as applied."
  value       = local.declarations
}

output "functions" {
  description = "Folder => name of its function."
  value       = { for folder, function in aws_lambda_function.this : folder => function.function_name }
}

output "log_group_names" {
  description = "Log groups of requests: the API's access log and the functions' logs."
  value       = concat([aws_cloudwatch_log_group.access.name], [for group in aws_cloudwatch_log_group.function : group.name])
}

output "postgres_client_security_group_id" {
  description = "Security group of the functions that declare postgres, for the proxy's ingress rule; null without a network."
  value       = one(aws_security_group.postgres_clients[*].id)
}

output "stage_arn" {
  description = "ARN of the API's stage."
  value       = aws_api_gateway_stage.this.arn
}

output "usage_plan_id" {
  description = "Usage plan for the API keys of clients; null if no operation requires a key."
  value       = one([for plan in aws_api_gateway_usage_plan.this : plan.id])
}
