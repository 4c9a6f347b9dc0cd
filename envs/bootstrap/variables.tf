variable "account_id" {
  description = "AWS account to prepare; the provider rejects any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account: set TF_VAR_account_id, or account_id in terraform.tfvars (git-ignored)."
  }
}

variable "environments" {
  description = "Environments of this account, with the same names in GitHub. Each one gets a deploy role. Null means every environment in envs/."
  type        = set(string)
  default     = null

  validation {
    condition     = alltrue([for environment in(var.environments == null ? [] : var.environments) : can(regex("^[a-z][a-z0-9]*$", environment))])
    error_message = "environments must be lower-case letters and digits, e.g. \"dev\"."
  }

  # A deploy role may change every role whose name begins with its environment's.
  validation {
    condition     = length(setintersection(var.environments == null ? [] : var.environments, ["api", "deploy"])) == 0
    error_message = "environments must not hold api or deploy: <project>-api-… and <project>-deploy-… are the names of the account's own roles."
  }
}

variable "github_ids" {
  description = "Numeric ids of the repository's owner and of the repository, which GitHub puts into the subject of newer repositories; null means it does not."
  type = object({
    owner      = string
    repository = string
  })
  default = null

  validation {
    condition     = alltrue([for id in try(values(var.github_ids), []) : can(regex("^[0-9]+$", id))])
    error_message = "github_ids must be numbers: gh api repos/OWNER/NAME --jq '.owner.id, .id' prints them."
  }
}

variable "github_repository" {
  description = "Repository whose workflows assume the roles, as owner/name."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.github_repository))
    error_message = "github_repository must be owner/name, without a wildcard."
  }
}

variable "project" {
  description = "First part of every name, as in the environments: PROJECT_NAME."
  type        = string
  default     = "atrium"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.project))
    error_message = "project must be lower-case letters and digits, e.g. \"atrium\"."
  }
}

variable "region" {
  description = "Region of the state bucket and of API Gateway's account settings, which apply to one region."
  type        = string
  default     = "eu-central-1"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of a region, e.g. \"eu-central-1\"."
  }
}

variable "state_bucket" {
  description = "Name for the bucket of the Terraform states; unique in all of AWS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.state_bucket))
    error_message = "state_bucket must be 3 to 63 lower-case letters, digits and inner hyphens."
  }
}
