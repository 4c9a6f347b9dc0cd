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
  description = "SNS topic that hears the alarms; null means no alarms."
  type        = string
  default     = null

  validation {
    condition     = var.alarms_topic_arn == null || can(regex("^arn:[a-z-]+:sns:[a-z0-9-]+:[0-9]{12}:.+$", var.alarms_topic_arn))
    error_message = "alarms_topic_arn must be the ARN of a topic: arn:aws:sns:<region>:<account>:<name>."
  }
}

variable "architecture" {
  description = "Processor of the functions and of the wheels in their layer."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "build_dir" {
  description = "Folder that `make build` writes."
  type        = string
  nullable    = false

  validation {
    condition     = fileexists("${var.build_dir}/gateway.json") && fileexists("${var.build_dir}/layer/${var.architecture}.zip")
    error_message = "build_dir holds no gateway.json or no layer/${var.architecture}.zip: run `make build`, then plan again."
  }
}

variable "environment" {
  description = "Settings of single functions: folder => variable => value."
  type        = map(map(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.environment), [for file in fileset(var.functions_dir, "*/function.yaml") : dirname(file)])) == 0
    error_message = "environment must be keyed by folders that hold a function.yaml."
  }
}

variable "functions_dir" {
  description = "Folder of the services: each subfolder with a function.yaml becomes a function."
  type        = string
  nullable    = false

  validation {
    condition     = length(fileset(var.functions_dir, "*/function.yaml")) > 0
    error_message = "functions_dir holds no <name>/function.yaml: name the folder of the services."
  }
}

variable "logs" {
  description = "Days that log groups are kept, and the key that encrypts them; no key means CloudWatch's own."
  type = object({
    retention_days = optional(number, 30)
    kms_key_arn    = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition = contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.logs.retention_days
    )
    error_message = "logs.retention_days must be one that CloudWatch Logs takes: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, … 3653."
  }
}

variable "network" {
  description = "Where functions stand unless they say vpc: false, and DynamoDB's addresses, the only ones they all may reach."
  type = object({
    vpc_id                  = string
    subnet_ids              = set(string)
    dynamodb_prefix_list_id = string
  })
  nullable = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.network.vpc_id)) && can(regex("^pl-[0-9a-f]+$", var.network.dynamodb_prefix_list_id))
    error_message = "network.vpc_id must be the id of a VPC (vpc-…), network.dynamodb_prefix_list_id that of a prefix list (pl-…)."
  }

  validation {
    condition     = length(var.network.subnet_ids) > 0 && alltrue([for id in var.network.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "network.subnet_ids must hold at least one subnet: subnet-…"
  }
}

variable "postgres" {
  description = "The proxy in front of Postgres: address, security group, and by database user the ARN to connect as and the secret."
  type = object({
    host              = string
    port              = number
    database          = string
    security_group_id = string
    connect_arns      = map(string)
    secret_arns       = map(string)
  })
  nullable = false

  validation {
    condition     = can(regex("^sg-[0-9a-f]+$", var.postgres.security_group_id))
    error_message = "postgres.security_group_id must be the id of the proxy's security group: sg-…"
  }

  validation {
    condition     = alltrue([for arn in values(var.postgres.connect_arns) : can(regex("^arn:[a-z-]+:rds-db:[a-z0-9-]+:[0-9]{12}:dbuser:[^*/]+/[^*/]+$", arn))])
    error_message = "postgres.connect_arns must name one user each: arn:aws:rds-db:<region>:<account>:dbuser:prx-…/<user>, without a wildcard."
  }
}

variable "reserved_concurrency" {
  description = "Executions kept for single functions, by folder. A new account has 10 in all, so none by default."
  type        = map(number)
  default     = {}
  nullable    = false
}

variable "stage" {
  description = "Name of the environment, of the API's stage, and first part of the path in its own address."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.stage))
    error_message = "stage must be lower-case letters and digits, e.g. \"dev\"."
  }
}

variable "throttling" {
  description = "Requests a second that the API takes, and how many at once."
  type = object({
    rate_limit  = optional(number, 100)
    burst_limit = optional(number, 200)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttling.rate_limit > 0 && var.throttling.burst_limit >= var.throttling.rate_limit
    error_message = "throttling.rate_limit must be above 0, throttling.burst_limit not below it."
  }
}

variable "user_attributes" {
  description = "The table of attributes and access rights."
  type = object({
    table_name = string
    table_arn  = string
  })
  nullable = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.user_attributes.table_arn))
    error_message = "user_attributes.table_arn must be the ARN of one table: arn:aws:dynamodb:<region>:<account>:table/<name>."
  }
}

variable "user_pool_arn" {
  description = "Pool whose access tokens the API takes, and whose users functions that declare cognito act on."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[A-Za-z0-9_-]+$", var.user_pool_arn))
    error_message = "user_pool_arn must be the ARN of one pool: arn:aws:cognito-idp:<region>:<account>:userpool/<id>."
  }
}

variable "waf" {
  description = "Firewall of the API: requests one address may send in five minutes; null means none."
  type = object({
    requests_per_address = optional(number, 2000)
  })
  default = null

  validation {
    condition     = var.waf == null || try(var.waf.requests_per_address >= 10 && var.waf.requests_per_address <= 2000000000, false)
    error_message = "waf.requests_per_address must be 10 to 2000000000, the limits of AWS WAF."
  }
}
