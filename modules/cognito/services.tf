locals {
  token_domain = try(coalesce(try(var.hosted_page.domain_prefix, null), length(var.services) > 0 ? var.token_domain_prefix : null), null)
}

# Empty on purpose: a client made here would leave its secret in the Terraform state. `make service` creates the client and writes its secret.
resource "aws_secretsmanager_secret" "service" {
  #checkov:skip=CKV2_AWS_57:`make rotate-service` rotates it; a function that could would need the right to make clients.
  #checkov:skip=CKV_AWS_149:The account's own key of Secrets Manager encrypts it; who may read it, the reader's role decides.
  for_each = var.services

  name        = "${var.name}-service-${each.key}"
  description = "Client id and secret of the service ${each.key}. make service and make rotate-service write them."

  # Without protection the secret goes at once, so that a throw-away environment can be made again under its name.
  recovery_window_in_days = var.deletion_protection ? 30 : 0

  lifecycle {
    precondition {
      condition     = local.token_domain != null
      error_message = "services need a domain, at which they fetch tokens: set token_domain_prefix or hosted_page."
    }

    precondition {
      condition     = length(setsubtract(each.value.scopes, keys(var.scopes))) == 0
      error_message = "services.${each.key}.scopes must be names of var.scopes."
    }
  }
}
