variable "name" {
  description = "Name of the rule and the queue, and first part of every other name."
  type        = string
  default     = "newsletter-users"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "name must be lower-case letters, digits and inner hyphens, at most 50 characters."
  }
}

variable "region" {
  description = "Region of the bus."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region, e.g. \"eu-central-1\"."
  }
}

variable "account_id" {
  description = "AWS account of the bus; the provider rejects any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account."
  }
}

variable "event_bus" {
  description = "Name of the bus, e.g. atrium-prod-events."
  type        = string
  nullable    = false

  validation {
    condition     = endswith(var.event_bus, "-events")
    error_message = "event_bus must be the bus of an environment of Atrium, e.g. \"atrium-prod-events\". The default bus has none of its events."
  }
}

variable "types" {
  description = "Types of events that the consumer needs. Every copy of a person's data needs user.erased."
  type        = set(string)
  default     = ["user.created", "user.erased"]
  nullable    = false

  validation {
    condition     = contains(var.types, "user.erased")
    error_message = "types must contain user.erased: a consumer erases its copy of a person's data, too."
  }

  validation {
    condition     = length(setsubtract(var.types, ["user.created", "user.disabled", "user.enabled", "user.deleted", "user.erased", "rights.changed"])) == 0
    error_message = "types has a type that docs/events.md does not list: the rule would never match it."
  }
}

variable "alarm_actions" {
  description = "ARNs that the alarm notifies, e.g. an SNS topic."
  type        = list(string)
  default     = []
  nullable    = false
}
