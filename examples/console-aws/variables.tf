variable "name" {
  description = "First part of every name."
  type        = string
  default     = "atrium-console"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "name must be lower-case letters, digits and inner hyphens, at most 32 characters."
  }
}

variable "region" {
  description = "Region of the bucket, and of the user pool that the console signs in with."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be a region, e.g. \"eu-central-1\"."
  }
}

variable "account_id" {
  description = "AWS account; the provider rejects any other."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be the twelve digits of an AWS account."
  }
}

variable "api_url" {
  description = "Address of the API (output api_url of an environment), with the stage if it has one."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^https://[a-z0-9.-]+(/[A-Za-z0-9_-]+)?$", var.api_url))
    error_message = "api_url must be https://<host> or https://<host>/<stage>, without a slash at its end."
  }
}

variable "hosted_page_url" {
  description = "Address of the user pool's sign-in page (output hosted_page_url of the environment); null without one."
  type        = string
  default     = null

  validation {
    condition     = var.hosted_page_url == null || can(regex("^https://[a-z0-9.-]+$", var.hosted_page_url))
    error_message = "hosted_page_url must be https://<host>."
  }
}

variable "dist_dir" {
  description = "Folder of the console's files, which `make console` writes."
  type        = string
  default     = "../web/dist"
  nullable    = false

  validation {
    condition     = fileexists("${var.dist_dir}/index.html") && fileexists("${var.dist_dir}/console.js")
    error_message = "dist_dir must hold index.html and console.js: run `make console`."
  }
}

variable "domain" {
  description = "Domain of the console, and the ARN of an issued certificate for it in us-east-1, where CloudFront reads certificates; null means CloudFront's own address."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex("^arn:aws:acm:us-east-1:[0-9]{12}:certificate/", var.domain.certificate_arn))
    error_message = "domain.certificate_arn must be a certificate in us-east-1."
  }
}

variable "web_acl_arn" {
  description = "Web ACL of AWS WAF in us-east-1 with the scope CLOUDFRONT; null means none. The API has its own."
  type        = string
  default     = null
}
