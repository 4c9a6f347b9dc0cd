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

variable "availability_zones" {
  description = "Availability zones, in order. Subnet addresses depend on the position, so append zones and never reorder them."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.availability_zones) >= 2 && length(var.availability_zones) <= 6
    error_message = "availability_zones must hold two to six zones: RDS requires two, and the address plan has room for six."
  }

  validation {
    condition     = length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "availability_zones must not name a zone twice."
  }

  validation {
    condition     = alltrue([for zone in var.availability_zones : can(regex("^[a-z]{2}(-[a-z]+)+-[0-9][a-z]$", zone))])
    error_message = "availability_zones must be names of zones, e.g. \"eu-central-1a\"."
  }
}

variable "cidr" {
  description = "IPv4 range of the VPC, /16 to /22. Cannot be changed later."
  type        = string
  default     = "10.0.0.0/16"
  nullable    = false

  validation {
    condition     = try(cidrsubnet(var.cidr, 0, 0) == var.cidr && !strcontains(var.cidr, ":"), false)
    error_message = "cidr must be an IPv4 range that starts at its first address, e.g. \"10.0.0.0/16\"."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 22, false)
    error_message = "cidr must be a /16 to /22: AWS accepts no larger VPC, and a smaller one has no room for six zones."
  }
}

variable "dynamodb_table_arns" {
  description = "DynamoDB tables that the gateway endpoint allows from inside the VPC; empty means none."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.dynamodb_table_arns : can(regex("^arn:[a-z-]+:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[A-Za-z0-9_.-]+$", arn))])
    error_message = "dynamodb_table_arns must be ARNs of tables: arn:aws:dynamodb:<region>:<account>:table/<name>."
  }
}

variable "flow_logs" {
  description = "Flow logs of the VPC: retention in days, traffic (ALL, ACCEPT or REJECT), KMS key of the log group; null means none."
  type = object({
    retention_days = optional(number, 30)
    traffic        = optional(string, "ALL")
    kms_key_arn    = optional(string)
  })
  default = {}

  validation {
    condition     = var.flow_logs == null || contains(["ACCEPT", "ALL", "REJECT"], try(var.flow_logs.traffic, ""))
    error_message = "flow_logs.traffic must be ALL, ACCEPT or REJECT."
  }

  validation {
    condition = var.flow_logs == null || contains(
      [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], try(var.flow_logs.retention_days, 0)
    )
    error_message = "flow_logs.retention_days must be a value that CloudWatch Logs accepts: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, … 3653."
  }

  validation {
    condition     = try(var.flow_logs.kms_key_arn, null) == null || can(regex("^arn:[a-z-]+:kms:[a-z0-9-]+:[0-9]{12}:key/.+$", var.flow_logs.kms_key_arn))
    error_message = "flow_logs.kms_key_arn must be the ARN of a key: arn:aws:kms:<region>:<account>:key/<id>. CloudWatch Logs accepts no alias."
  }
}

variable "interface_endpoints" {
  description = "AWS services to reach by PrivateLink, by the last part of their service name (\"ssm\"): private DNS, and an endpoint policy (JSON; null means full access)."
  type = map(object({
    private_dns = optional(bool, true)
    policy      = optional(string)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for service in keys(var.interface_endpoints) : can(regex("^[a-z][a-z0-9.-]*$", service)) && !startswith(service, "com.")])
    error_message = "interface_endpoints must be keyed by the last part of the service name, e.g. \"ssm\" for com.amazonaws.eu-central-1.ssm."
  }

  validation {
    condition     = length(setintersection(keys(var.interface_endpoints), ["dynamodb", "s3"])) == 0
    error_message = "interface_endpoints must not hold dynamodb or s3: their gateway endpoints are always there and cost nothing."
  }

  validation {
    condition     = alltrue([for endpoint in values(var.interface_endpoints) : endpoint.policy == null || can(jsondecode(endpoint.policy).Statement)])
    error_message = "interface_endpoints must have policies in JSON with a Statement, or none: jsonencode({ Version = \"2012-10-17\", Statement = […] })."
  }
}

variable "nat" {
  description = "NAT gateways of the private subnets: none, single (one, in the first zone) or per_az."
  type        = string
  default     = "none"
  nullable    = false

  validation {
    condition     = contains(["none", "per_az", "single"], var.nat)
    error_message = "nat must be none, single or per_az."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of this module's roles. A deploy role of envs/bootstrap may create only roles with its own boundary."
  type        = string
  default     = "arn:aws:iam::aws:policy/PowerUserAccess"
  nullable    = false

  validation {
    condition     = can(regex("^arn:[a-z-]+:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "permissions_boundary_arn must be the ARN of a policy: arn:aws:iam::<account>:policy/<name>."
  }
}

variable "s3_bucket_arns" {
  description = "S3 buckets that the gateway endpoint allows in addition to Amazon Linux's package repositories; empty means no other."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for arn in var.s3_bucket_arns : can(regex("^arn:[a-z-]+:s3:::[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", arn))])
    error_message = "s3_bucket_arns must be ARNs of buckets, arn:aws:s3:::<name>, without a wildcard: anybody may own a bucket that a pattern matches."
  }
}
