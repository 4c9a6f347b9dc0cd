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

variable "build_dir" {
  description = "Folder of the artefacts: gateway.json (template of the OpenAPI body), functions/<name>.zip and, for layers, layers.json. `make build` writes such a folder."
  type        = string
  nullable    = false

  validation {
    condition = alltrue([for file in concat(["gateway.json"], fileexists("${var.build_dir}/layers.json") ? [
      "openapi.json", "layer/${var.runtime.architecture}/kernel.zip", "layer/${var.runtime.architecture}/sdk.zip"
    ] : []) : fileexists("${var.build_dir}/${file}")])
    error_message = "build_dir must hold gateway.json; with layers.json also openapi.json and layer/${var.runtime.architecture} with kernel.zip and sdk.zip: run `make build`, then plan again."
  }
}

variable "custom_domain" {
  description = "Custom domain of the API: its name and the ARN of an issued certificate in the API's region; null means AWS's address only."
  type = object({
    domain_name     = string
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.custom_domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?[.])+[a-z]{2,}$", var.custom_domain.domain_name))
    error_message = "custom_domain.domain_name must be a name of DNS, e.g. \"api.example.org\"."
  }

  validation {
    condition     = var.custom_domain == null || can(regex("^arn:[a-z-]+:acm:[a-z0-9-]+:[0-9]{12}:certificate/.+$", var.custom_domain.certificate_arn))
    error_message = "custom_domain.certificate_arn must be the ARN of a certificate: arn:aws:acm:<region>:<account>:certificate/<id>."
  }
}

variable "environment" {
  description = "Environment variables of single functions: folder => variable => value."
  type        = map(map(string))
  default     = {}
  nullable    = false

  validation {
    condition     = length(setsubtract(keys(var.environment), [for file in fileset(var.functions_dir, "*/function.yaml") : dirname(file)])) == 0
    error_message = "environment must be keyed by folders that hold a function.yaml."
  }

  validation {
    condition     = alltrue([for name in flatten([for settings in values(var.environment) : keys(settings)]) : can(regex("^[A-Z][A-Z0-9_]+$", name)) && !startswith(name, "AWS_")])
    error_message = "environment must hold names such as EMAIL_DOMAINS_DENIED: upper case, and not beginning with AWS_, which Lambda reserves."
  }

  validation {
    condition = alltrue([
      for entry in compact(flatten([for settings in values(var.environment) : [for name, value in settings : split(" ", replace(value, ",", " ")) if startswith(name, "EMAIL_DOMAINS_")]])) :
      can(regex("^[^*.@[:space:]][^*@[:space:]]*[.][^*.@[:space:]]+$", entry))
    ])
    error_message = "environment: EMAIL_DOMAINS_DENIED and EMAIL_DOMAINS_ALLOWED must list domain names such as example.org. An entry includes its subdomains: write no \"*.\" and no \".\" before it."
  }

  validation {
    condition = alltrue(flatten([for settings in values(var.environment) : [
      contains(["", "allow", "refuse"], lookup(settings, "EMAIL_PLUS_ADDRESSES", "")),
      contains(["", "any", "ascii"], lookup(settings, "EMAIL_LOCAL_PARTS", "")),
      contains(["", "true", "false"], lookup(settings, "INVITE_ONLY", "")),
      can(regex("^([1-9][0-9]{0,2})?$", lookup(settings, "INVITATION_DAYS", ""))),
      can(regex("^([A-Za-z0-9][A-Za-z0-9._-]{0,49})?$", lookup(settings, "REQUIRED_CONSENT_VERSION", ""))),
    ]]))
    error_message = "environment: EMAIL_PLUS_ADDRESSES must be allow or refuse, EMAIL_LOCAL_PARTS any or ascii, INVITE_ONLY true or false, INVITATION_DAYS a number of days, and REQUIRED_CONSENT_VERSION such as 2026-01."
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
  description = "Retention of log groups in days, and the KMS key that encrypts them; null means CloudWatch's own key."
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
    error_message = "logs.retention_days must be a value that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, … 3653."
  }

  validation {
    condition     = var.logs.kms_key_arn == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.logs.kms_key_arn))
    error_message = "logs.kms_key_arn must be the ARN of a key: arn:aws:kms:<region>:<account>:key/<id>. CloudWatch Logs accepts no alias."
  }
}

variable "network" {
  description = "VPC and subnets of functions without vpc: false, and DynamoDB's prefix list, to which all of them have egress; null requires vpc: false of every function."
  type = object({
    vpc_id                  = string
    subnet_ids              = set(string)
    dynamodb_prefix_list_id = string
  })
  default = null

  validation {
    condition     = var.network == null ? true : can(regex("^vpc-[0-9a-f]+$", var.network.vpc_id)) && can(regex("^pl-[0-9a-f]+$", var.network.dynamodb_prefix_list_id))
    error_message = "network.vpc_id must be the id of a VPC (vpc-…), network.dynamodb_prefix_list_id that of a prefix list (pl-…)."
  }

  validation {
    condition     = var.network == null ? true : length(var.network.subnet_ids) > 0 && alltrue([for id in var.network.subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "network.subnet_ids must hold at least one subnet: subnet-…"
  }
}

variable "postgres" {
  description = "RDS Proxy of Postgres: its address, its security group, and each database user's ARN for rds-db:connect and secret; null means none."
  type = object({
    host              = string
    port              = number
    database          = string
    security_group_id = string
    connect_arns      = map(string)
    secret_arns       = map(string)
  })
  default = null

  validation {
    condition     = var.postgres == null ? true : can(regex("^sg-[0-9a-f]+$", var.postgres.security_group_id))
    error_message = "postgres.security_group_id must be the id of the proxy's security group: sg-…"
  }

  validation {
    condition     = var.postgres == null ? true : alltrue([for arn in values(var.postgres.connect_arns) : can(regex("^arn:[a-z-]+:rds-db:[a-z0-9-]+:[0-9]{12}:dbuser:[^*/]+/[^*/]+$", arn))])
    error_message = "postgres.connect_arns must name one user each: arn:aws:rds-db:<region>:<account>:dbuser:prx-…/<user>, without a wildcard."
  }

  validation {
    condition     = var.postgres == null ? true : alltrue([for arn in values(var.postgres.secret_arns) : can(regex("^arn:[a-z-]+:secretsmanager:[a-z0-9-]+:[0-9]{12}:secret:[^*]+$", arn))])
    error_message = "postgres.secret_arns must name one secret each: arn:aws:secretsmanager:<region>:<account>:secret:<name>, without a wildcard."
  }

  validation {
    condition     = var.postgres == null ? true : can(regex("^[A-Za-z0-9.-]+$", var.postgres.host)) && var.postgres.port >= 1 && var.postgres.port <= 65535
    error_message = "postgres.host must be the name of a host, without its port, and postgres.port 1 to 65535."
  }
}

variable "runtime" {
  description = "Runtime settings of functions: processor architecture, reserved concurrency by folder (a new account has 10 in total), SnapStart, the permissions boundary of their roles, and a bucket that holds functions/<folder>.zip as build_dir does. Without code_bucket the provider uploads the zips, one after the other, and waits five seconds for each. docs_url is the address of the folder that `make docs-site` writes: the `type` of errors is an anchor of its errors.html; without it, it is relative to the API's address."
  type = object({
    architecture         = optional(string, "arm64")
    reserved_concurrency = optional(map(number), {})
    snap_start           = optional(bool, false)
    role_boundary_arn    = optional(string, "arn:aws:iam::aws:policy/PowerUserAccess")
    code_bucket          = optional(string)
    docs_url             = optional(string)
  })
  default  = {}
  nullable = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.runtime.architecture)
    error_message = "runtime.architecture must be arm64 or x86_64."
  }

  validation {
    condition     = length(setsubtract(keys(var.runtime.reserved_concurrency), [for file in fileset(var.functions_dir, "*/function.yaml") : dirname(file)])) == 0
    error_message = "runtime.reserved_concurrency must be keyed by folders that hold a function.yaml."
  }

  validation {
    condition     = alltrue([for executions in values(var.runtime.reserved_concurrency) : executions >= 0 && floor(executions) == executions])
    error_message = "runtime.reserved_concurrency must hold whole numbers, at least 0 (which stops the function)."
  }

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.runtime.role_boundary_arn))
    error_message = "runtime.role_boundary_arn must be the ARN of a policy: arn:aws:iam::<account>:policy/<name>."
  }

  validation {
    condition     = var.runtime.code_bucket == null || can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.runtime.code_bucket))
    error_message = "runtime.code_bucket must be the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens."
  }

  validation {
    condition     = var.runtime.docs_url == null || can(regex("^https?://[A-Za-z0-9._~:/-]*[^/]$", var.runtime.docs_url))
    error_message = "runtime.docs_url must be an address without a query and without a slash at its end: https://<host>/<path>."
  }
}

variable "stage" {
  description = "Name of the environment and of the API's stage, which is the first part of the path in AWS's address."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*$", var.stage))
    error_message = "stage must be lower-case letters and digits, e.g. \"dev\"."
  }

  validation {
    condition     = endswith(var.name, "-${var.stage}")
    error_message = "stage must be the last part of name: atrium-dev has the stage dev."
  }
}

variable "throttling" {
  description = "Rate limit (requests a second) and burst limit of the API and of each API key. The contract sets the limits of single operations."
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
  description = "Table of attributes and access rights, its stream, the lifetime of the pool's refresh tokens in days, for which a session that was ended is refused, and the roles that take effect only for users with MFA; null means none."
  type = object({
    table_name         = string
    table_arn          = string
    stream_arn         = string
    refresh_token_days = optional(number, 30)
    mfa_roles          = optional(set(string), [])
  })
  default = null

  validation {
    condition     = var.user_attributes == null ? true : alltrue([for role in var.user_attributes.mfa_roles : can(regex("^[a-z][a-z0-9_-]{0,63}$", role))])
    error_message = "user_attributes.mfa_roles must be names of roles: a lower-case letter, then letters, digits, hyphens or underscores, at most 64 characters, e.g. \"admin\"."
  }

  validation {
    condition     = var.user_attributes == null ? true : can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", var.user_attributes.table_arn))
    error_message = "user_attributes.table_arn must be the ARN of one table: arn:aws:dynamodb:<region>:<account>:table/<name>."
  }

  validation {
    condition     = var.user_attributes == null ? true : can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+/stream/[0-9T:.-]+$", var.user_attributes.stream_arn))
    error_message = "user_attributes.stream_arn must be the ARN of one stream: arn:aws:dynamodb:<region>:<account>:table/<name>/stream/<time>."
  }

  validation {
    condition     = var.user_attributes == null ? true : var.user_attributes.refresh_token_days >= 1 && var.user_attributes.refresh_token_days <= 3650
    error_message = "user_attributes.refresh_token_days must be 1 to 3650, as token_validity.refresh_days of the pool."
  }
}

variable "user_pool" {
  description = "User pool whose access tokens the API accepts and that functions with a cognito declaration may change; GET /v1/configuration tells applications its client and addresses. email_sender is the SES identity and From header of the functions' e-mails (MAIL_FROM in environment); without it none may send. Null means no pool."
  type = object({
    arn             = string
    client_id       = optional(string)
    hosted_page_url = optional(string)
    token_url       = optional(string)
    email_sender    = optional(object({ identity_arn = string, from = string }))
  })
  default = null

  validation {
    condition     = var.user_pool == null ? true : can(regex("^arn:[a-z-]+:cognito-idp:[a-z0-9-]+:[0-9]{12}:userpool/[A-Za-z0-9_-]+$", var.user_pool.arn))
    error_message = "user_pool.arn must be the ARN of one pool: arn:aws:cognito-idp:<region>:<account>:userpool/<id>."
  }

  validation {
    condition     = var.user_pool == null ? true : alltrue([for url in [var.user_pool.hosted_page_url, var.user_pool.token_url] : url == null ? true : can(regex("^https://[A-Za-z0-9._~:/-]+$", url))])
    error_message = "user_pool.hosted_page_url and user_pool.token_url must be addresses: https://<host>…, without a query."
  }
}

variable "waf" {
  description = "WAF of the API: the number of requests that one IP address may send in five minutes; null means no WAF."
  type = object({
    requests_per_address = optional(number, 2000)
  })
  default = null

  validation {
    condition     = var.waf == null || try(var.waf.requests_per_address >= 10 && var.waf.requests_per_address <= 2000000000, false)
    error_message = "waf.requests_per_address must be 10 to 2000000000, the limits of AWS WAF."
  }
}
