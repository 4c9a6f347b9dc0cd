variable "name" {
  description = "Prefix of every name: <project>-<stage>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", var.name)) && length(var.name) <= 32
    error_message = "name must be <project>-<stage>: lower-case letters, digits and single hyphens, at most 32 characters, e.g. \"atrium-dev\"."
  }
}

variable "alarms_topic_arn" {
  description = "SNS topic that receives the alarms; null means no alarms."
  type        = string
  default     = null

  validation {
    condition     = var.alarms_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+$", var.alarms_topic_arn))
    error_message = "alarms_topic_arn must be the ARN of a topic: arn:aws:sns:<region>:<account>:<name>."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the pool."
  type        = bool
  default     = true
  nullable    = false
}

variable "email_sender" {
  description = "SES identity and From header of the pool's e-mails; null means Cognito's own sender, which is limited to 50 e-mails a day."
  type = object({
    identity_arn = string
    from         = string
  })
  default = null

  validation {
    condition     = var.email_sender == null || can(regex("^arn:[a-z-]+:ses:[a-z0-9-]+:[0-9]{12}:identity/.+$", var.email_sender.identity_arn))
    error_message = "email_sender.identity_arn must be the ARN of a verified SES identity: arn:aws:ses:<region>:<account>:identity/<domain or address>."
  }

  validation {
    condition     = var.email_sender == null || can(regex("^([^<>]+ <)?[^@<>[:space:]]+@[^@<>[:space:]]+>?$", var.email_sender.from))
    error_message = "email_sender.from must be an address, alone or after a name: \"Atrium <no-reply@example.org>\"."
  }
}

variable "groups" {
  description = "Groups of the pool, by name. Roles in UserAttributes decide access; groups are for clients that read only the pool."
  type = map(object({
    description = string
    precedence  = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name, group in var.groups : can(regex("^[!-~]{1,128}$", name)) && try(group.precedence >= 0, group.precedence == null)])
    error_message = "groups must have names of 1 to 128 printable ASCII characters without spaces, and no precedence below 0."
  }
}

variable "hosted_page" {
  description = "Cognito's hosted sign-in page: its domain prefix (unique in the region), callback and logout URLs; null means no page, only the SRP flow."
  type = object({
    domain_prefix = string
    callback_urls = set(string)
    logout_urls   = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.hosted_page == null || can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.hosted_page.domain_prefix))
    error_message = "hosted_page.domain_prefix must be lower-case letters, digits and inner hyphens, at most 63 characters."
  }

  validation {
    condition     = var.hosted_page == null || !can(regex("aws|amazon|cognito", var.hosted_page.domain_prefix))
    error_message = "hosted_page.domain_prefix must not hold aws, amazon or cognito: Cognito reserves them."
  }

  validation {
    condition     = var.hosted_page == null || length(try(var.hosted_page.callback_urls, [])) > 0
    error_message = "hosted_page.callback_urls must name at least one address to return to."
  }

  validation {
    condition = alltrue([
      for url in try(setunion(var.hosted_page.callback_urls, var.hosted_page.logout_urls), []) :
      can(regex("^[a-z][a-z0-9.+-]*://", url)) && (!startswith(url, "http://") || can(regex("^http://localhost[:/]", url)))
    ])
    error_message = "hosted_page.callback_urls and logout_urls must be https://…, http://localhost… or an app's own scheme."
  }
}

variable "mfa" {
  description = "Multi-factor authentication: whether users may set up an authenticator app (totp), and the roles that take effect only for users who have."
  type = object({
    totp  = optional(bool, true)
    roles = optional(set(string), [])
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.mfa.totp || length(var.mfa.roles) == 0
    error_message = "mfa.roles would take effect for nobody without an authenticator app: set mfa.totp = true."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : length(setintersection(service.roles, var.mfa.roles)) == 0])
    error_message = "mfa.roles must name no role of a service, which has no second factor."
  }
}

variable "password_auth_flow" {
  description = "Whether clients may also sign in by sending the password itself (USER_PASSWORD_AUTH), for tools and tests."
  type        = bool
  default     = false
  nullable    = false
}

variable "password_policy" {
  description = "Password policy, and the days that a temporary password is valid."
  type = object({
    minimum_length    = optional(number, 12)
    require_lowercase = optional(bool, true)
    require_numbers   = optional(bool, true)
    require_symbols   = optional(bool, false)
    require_uppercase = optional(bool, true)
    temporary_days    = optional(number, 7)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.password_policy.minimum_length >= 8 && var.password_policy.minimum_length <= 99
    error_message = "password_policy.minimum_length must be 8 to 99."
  }

  validation {
    condition     = var.password_policy.temporary_days >= 1 && var.password_policy.temporary_days <= 365
    error_message = "password_policy.temporary_days must be 1 to 365."
  }
}

variable "resource_server" {
  description = "Identifier of the API in the pool, the first part of its scopes."
  type        = string
  default     = "atrium"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9:/._-]{0,255}$", var.resource_server))
    error_message = "resource_server must be a name or an address of letters, digits and : / . _ -, e.g. \"atrium\"."
  }
}

variable "scopes" {
  description = "Scopes of the API, name => description: \"me\" becomes atrium/me. Only pre_token_generation grants them; no client may ask for one."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.scopes) > 0 && alltrue([for scope in keys(var.scopes) : can(regex("^[a-z][a-z0-9._:-]*$", scope))])
    error_message = "scopes must hold at least one, each a bare name without the resource server, e.g. \"me\" for atrium/me."
  }

  validation {
    condition     = alltrue([for description in values(var.scopes) : length(description) > 0 && length(description) <= 256])
    error_message = "scopes must each have a description of 1 to 256 characters."
  }
}

variable "services" {
  description = "Services (machine callers), by name: the scopes that their tokens may have at most, and the roles that they hold. `make service` creates each client and its secret."
  type = map(object({
    scopes = set(string)
    roles  = optional(set(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for name in keys(var.services) : can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", name)) && length(name) <= 32])
    error_message = "services must be named by lower-case letters, digits and single hyphens, at most 32 characters, e.g. \"reporting\"."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : length(service.scopes) > 0 && length(service.scopes) <= 50])
    error_message = "services must have 1 to 50 scopes each: Cognito issues no token without a scope."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : !contains(service.roles, "admin")])
    error_message = "services cannot hold the role admin."
  }
}

variable "token_domain_prefix" {
  description = "Prefix of the pool's domain, at which services fetch tokens (unique in the region); hosted_page's prefix comes first. Without services there is no domain."
  type        = string
  default     = null

  validation {
    condition     = var.token_domain_prefix == null || (can(regex("^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$", var.token_domain_prefix)) && !can(regex("aws|amazon|cognito", var.token_domain_prefix)))
    error_message = "token_domain_prefix must be lower-case letters, digits and inner hyphens, at most 63 characters, without aws, amazon or cognito."
  }
}

variable "token_validity" {
  description = "Lifetimes of access and ID tokens in minutes, and of refresh tokens in days."
  type = object({
    access_minutes = optional(number, 60)
    refresh_days   = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.token_validity.access_minutes >= 5 && var.token_validity.access_minutes <= 1440
    error_message = "token_validity.access_minutes must be 5 to 1440 (a day)."
  }

  validation {
    condition     = var.token_validity.refresh_days >= 1 && var.token_validity.refresh_days <= 3650
    error_message = "token_validity.refresh_days must be 1 to 3650."
  }
}

variable "triggers" {
  description = "Lambda triggers of the pool: trigger => ARN of an alias."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.triggers), ["CustomMessage", "PostConfirmation", "PreSignUp", "PreTokenGeneration"])) == 0
    error_message = "triggers must be keyed by CustomMessage, PostConfirmation, PreSignUp or PreTokenGeneration."
  }

  validation {
    condition     = alltrue([for arn in values(var.triggers) : can(regex("^arn:[a-z-]+:lambda:[a-z0-9-]+:[0-9]{12}:function:[^:]+:[^:]+$", arn))])
    error_message = "triggers must be ARNs of aliases: arn:aws:lambda:<region>:<account>:function:<name>:<alias>."
  }
}
