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

variable "backup_retention_days" {
  description = "Retention of automated backups in days, which is also the range of point-in-time recovery."
  type        = number
  default     = 7
  nullable    = false

  validation {
    condition     = var.backup_retention_days >= 1 && var.backup_retention_days <= 35
    error_message = "backup_retention_days must be 1 to 35: 0 would switch backups off."
  }
}

variable "bastion_security_group_ids" {
  description = "Name => security group that may reach the database directly, without the proxy."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.bastion_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "bastion_security_group_ids must hold ids of security groups: sg-…"
  }
}

variable "client_security_group_ids" {
  description = "Name => security group that may reach the proxy."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for id in values(var.client_security_group_ids) : can(regex("^sg-[0-9a-f]+$", id))])
    error_message = "client_security_group_ids must hold ids of security groups: sg-…"
  }
}

variable "database" {
  description = "Instance class, Multi-AZ standby, and initial and maximum storage in GB."
  type = object({
    instance_class = optional(string, "db.t4g.micro")
    multi_az       = optional(bool, false)
    storage_gb     = optional(number, 20)
    max_storage_gb = optional(number, 100)
  })
  default  = {}
  nullable = false

  validation {
    condition     = startswith(var.database.instance_class, "db.")
    error_message = "database.instance_class must be a class of RDS, e.g. \"db.t4g.micro\"."
  }

  validation {
    condition     = var.database.storage_gb >= 20 && var.database.max_storage_gb * 10 >= var.database.storage_gb * 11
    error_message = "database.storage_gb must be at least 20, and max_storage_gb a tenth larger, as AWS requires for autoscaling."
  }
}

variable "database_name" {
  description = "Name of the initial database. It cannot be changed later."
  type        = string
  default     = "atrium"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database_name))
    error_message = "database_name must be a lower-case Postgres name: letters, digits and _, at most 63 characters."
  }
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the database. If false, the users' secrets have no recovery window either."
  type        = bool
  default     = true
  nullable    = false
}

variable "engine_version" {
  description = "Major version of Postgres, or major.minor to stay at one minor version."
  type        = string
  default     = "17"
  nullable    = false

  validation {
    condition     = can(regex("^1[5-9]([.][0-9]+)?$", var.engine_version))
    error_message = "engine_version must be a Postgres version from 15 on, e.g. \"17\" or \"17.4\"."
  }
}

variable "final_snapshot" {
  description = "Whether destroying the database leaves a final snapshot, <name>-database-final."
  type        = bool
  default     = true
  nullable    = false
}

variable "logs" {
  description = "Retention of the logs of Postgres and of the proxy in days, and the KMS key that encrypts them; null means CloudWatch's own key."
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

variable "pool" {
  description = "Settings of the proxy: borrow timeout in seconds, percentage of max_connections in use and idle, idle timeout of clients in seconds, and permissions boundary of its role."
  type = object({
    borrow_seconds               = optional(number, 5)
    max_connections_percent      = optional(number, 90)
    max_idle_connections_percent = optional(number, 50)
    idle_client_seconds          = optional(number, 1800)
    role_boundary_arn            = optional(string, "arn:aws:iam::aws:policy/PowerUserAccess")
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.pool.borrow_seconds >= 1 && var.pool.borrow_seconds <= 28
    error_message = "pool.borrow_seconds must be 1 to 28: API Gateway gives up after 29, and 0 would wait for two minutes."
  }

  validation {
    condition = (
      var.pool.max_connections_percent >= 1 && var.pool.max_connections_percent <= 100 &&
      var.pool.max_idle_connections_percent >= 0 && var.pool.max_idle_connections_percent <= var.pool.max_connections_percent
    )
    error_message = "pool.max_connections_percent must be 1 to 100, and max_idle_connections_percent 0 to that."
  }

  validation {
    condition     = var.pool.idle_client_seconds >= 1 && var.pool.idle_client_seconds <= 28800
    error_message = "pool.idle_client_seconds must be 1 to 28800 (eight hours)."
  }

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.pool.role_boundary_arn))
    error_message = "pool.role_boundary_arn must be the ARN of a policy: arn:aws:iam::<account>:policy/<name>."
  }
}

variable "subnet_ids" {
  description = "Zone => private subnet, for the database and the proxy."
  type        = map(string)
  nullable    = false

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must hold subnets of at least two zones: RDS requires that even without Multi-AZ."
  }

  validation {
    condition     = alltrue([for id in values(var.subnet_ids) : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "subnet_ids must hold ids of subnets: subnet-…"
  }
}

variable "users" {
  description = "Database users that sign in through the proxy, each with a secret. The master user postgres is always included."
  type        = set(string)
  default     = ["app", "migrator", "readonly"]
  nullable    = false

  validation {
    condition     = alltrue([for user in var.users : can(regex("^[a-z][a-z0-9_]{0,62}$", user))])
    error_message = "users must be lower-case Postgres names: letters, digits and _, at most 63 characters."
  }

  validation {
    condition     = alltrue([for user in var.users : !startswith(user, "pg_") && !startswith(user, "rds") && user != "postgres"])
    error_message = "users must not hold postgres, which is always included, or names that are reserved (pg_…, rds…)."
  }
}

variable "vpc_id" {
  description = "VPC of those subnets."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must be the id of a VPC: vpc-…"
  }
}
