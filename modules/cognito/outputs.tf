output "hosted_page_url" {
  description = "Address of the sign-in page; null without one."
  value       = var.hosted_page == null ? null : one([for domain in aws_cognito_user_pool_domain.this : "https://${domain.domain}.auth.${data.aws_region.current.id}.amazoncognito.com"])
}

output "issuer" {
  description = "Issuer of the pool's tokens, as in their claim iss."
  value       = "https://${aws_cognito_user_pool.this.endpoint}"
}

output "scope_identifiers" {
  description = "Scopes of the API as they appear in tokens, such as atrium/me."
  value       = sort(aws_cognito_resource_server.this.scope_identifiers)
}

output "services" {
  description = "Declared services, by name: client_name, scopes as in tokens, roles, access_minutes, and secret_arn, whose value `make service` writes."
  value = {
    for name, service in var.services : name => {
      client_name    = "${var.name}-service-${name}"
      scopes         = sort([for scope in service.scopes : "${var.resource_server}/${scope}"])
      roles          = sort(service.roles)
      access_minutes = var.token_validity.access_minutes
      secret_arn     = aws_secretsmanager_secret.service[name].arn
    }
  }
}

output "token_url" {
  description = "Address at which services fetch tokens; null without a domain."
  value       = one([for domain in aws_cognito_user_pool_domain.this : "https://${domain.domain}.auth.${data.aws_region.current.id}.amazoncognito.com/oauth2/token"])
}

output "user_pool_arn" {
  description = "ARN of the pool."
  value       = aws_cognito_user_pool.this.arn
}

output "user_pool_client_id" {
  description = "Id of the apps' client."
  value       = aws_cognito_user_pool_client.this.id
}

output "user_pool_id" {
  description = "Id of the pool."
  value       = aws_cognito_user_pool.this.id
}
