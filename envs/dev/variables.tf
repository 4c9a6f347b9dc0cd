variable "account_id" {
  description = "AWS account of this environment; any other is refused."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account: set TF_VAR_account_id, or account_id in terraform.tfvars (git-ignored)."
  }
}

variable "alarms_topic_arn" {
  description = "SNS topic that hears the alarms; null means no alarms."
  type        = string
  default     = null
}

variable "allowed_cidrs" {
  description = "Ranges that may reach the bastion by SSH; empty means Session Manager only."
  type        = set(string)
  default     = []
  nullable    = false
}

variable "hosted_page" {
  description = "Cognito's sign-in page: its domain prefix (unique in the region) and where it may return to; null means no page."
  type = object({
    domain_prefix = string
    callback_urls = set(string)
    logout_urls   = optional(set(string), [])
  })
  default = null
}
