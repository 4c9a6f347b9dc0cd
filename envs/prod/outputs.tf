output "api_id" {
  description = "Id of the REST API."
  value       = module.api_lambda.api_id
}

output "api_url" {
  description = "Address of the API's stage."
  value       = module.api_lambda.api_url
}

output "bastion_instance_id" {
  description = "Instance that `make tunnel` connects through."
  value       = module.bastion.instance_id
}

output "bastion_public_ip" {
  description = "Address of the bastion, for SSH from allowed_cidrs."
  value       = module.bastion.public_ip
}

output "contract_hashes" {
  description = "Folder => SHA-256 of its part of the contract, as applied."
  value       = module.api_lambda.contract_hashes
}

output "database_endpoint" {
  description = "Host and port of the database itself, the target of `make tunnel`."
  value       = module.rds_proxy.database_endpoint
}

output "database_name" {
  description = "Name of the database."
  value       = module.rds_proxy.database_name
}

output "database_user_secrets" {
  description = "Database user => ARN of its secret."
  value       = module.rds_proxy.user_secret_arns
}

output "domain_target" {
  description = "Target of the custom domain's DNS record; null without one."
  value       = module.api_lambda.domain_target
}

output "domain_target_zone_id" {
  description = "Route 53 zone of that target, for an alias record; null without one."
  value       = module.api_lambda.domain_target_zone_id
}

output "function_declarations" {
  description = "Folder => its function.yaml, as applied."
  value       = module.api_lambda.function_declarations
}

output "functions" {
  description = "Folder => name of its function."
  value       = module.api_lambda.functions
}

output "hosted_page_url" {
  description = "Address of Cognito's sign-in page; null without one."
  value       = module.cognito.hosted_page_url
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

output "services" {
  description = "Declared services, by name, for make service."
  value       = module.cognito.services
}

output "stage" {
  description = "Name of the environment, and of the API's stage."
  value       = local.stage
}

output "token_url" {
  description = "Address at which services fetch tokens; null without services and page."
  value       = module.cognito.token_url
}

output "usage_plan_id" {
  description = "Usage plan for the API keys of clients; null if no operation requires a key."
  value       = module.api_lambda.usage_plan_id
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
