variable "account_id" {
  description = "AWS account of this environment; the provider rejects any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account: set TF_VAR_account_id, or account_id in terraform.tfvars (git-ignored)."
  }
}

variable "alarm_emails" {
  description = "E-mail addresses that receive the alarms; each must confirm its subscription."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@[:space:]]+@[^@[:space:]]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "allowed_cidrs" {
  description = "CIDR ranges that may reach the bastion by SSH; empty means Session Manager only."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "custom_domain" {
  description = "Custom domain of the API: its name and the ARN of an issued certificate in the API's region; null means AWS's address only."
  type = object({
    domain_name     = string
    certificate_arn = string
  })
  default = null
}

variable "docs_url" {
  description = "Address of the documentation that `make docs-site` writes, to which the `type` of errors points; null makes it relative to the API's address."
  type        = string
  default     = null
}

variable "email_sender" {
  description = "SES identity and From header of Cognito's e-mails; null means Cognito's own sender, which is limited to 50 e-mails a day."
  type = object({
    identity_arn = string
    from         = string
  })
  default = null
}

variable "hosted_page" {
  description = "Cognito's hosted sign-in page: its domain prefix (unique in the region), callback and logout URLs; null means no page."
  type = object({
    domain_prefix = string
    callback_urls = set(string)
    logout_urls   = optional(set(string), [])
  })
  default = null
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of every role. On AWS it must be the policy of envs/bootstrap, without which a deploy may not create roles. The tools set it."
  type        = string
  default     = "arn:aws:iam::aws:policy/PowerUserAccess"
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a policy: arn:aws:iam::<account>:policy/<name>."
  }
}

variable "project" {
  description = "First part of every name."
  type        = string
  default     = "atrium"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.project))
    error_message = "project must be lower-case letters and digits, e.g. \"atrium\"."
  }
}

variable "region" {
  description = "Region of all resources."
  type        = string
  default     = "eu-central-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of a region, e.g. \"eu-central-1\"."
  }
}
