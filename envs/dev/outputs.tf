output "api_id" {
  description = "Id of the REST API."
  value       = module.api_lambda.api_id
}

output "api_url" {
  description = "Address of the API's stage."
  value       = module.api_lambda.api_url
}

output "database_name" {
  description = "Database behind the proxy."
  value       = module.rds_proxy.database_name
}

output "database_user_secrets" {
  description = "Database user => ARN of its secret."
  value       = module.rds_proxy.user_secret_arns
}

output "functions" {
  description = "Folder => name of its function."
  value       = module.api_lambda.functions
}

output "proxy_endpoint" {
  description = "Host of the proxy."
  value       = module.rds_proxy.proxy_endpoint
}

output "proxy_port" {
  description = "Port of the proxy."
  value       = module.rds_proxy.proxy_port
}

output "region" {
  description = "Region of the environment."
  value       = local.region
}

output "stage" {
  description = "Name of the environment, and of the API's stage."
  value       = local.stage
}

output "user_attributes_table" {
  description = "Table of attributes and access rights."
  value       = module.dynamodb.table_name
}

output "user_pool_client_id" {
  description = "Id of the apps' client."
  value       = module.cognito.user_pool_client_id
}

output "user_pool_id" {
  description = "Id of the user pool."
  value       = module.cognito.user_pool_id
}
