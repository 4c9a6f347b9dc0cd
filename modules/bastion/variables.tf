variable "name" {
  description = "Prefix of every name: <project>-<stage>."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)+$", var.name)) && length(var.name) <= 32
    error_message = "name must be <project>-<stage>: lower-case letters, digits and single hyphens, at most 32 characters, e.g. \"atrium-dev\"."
  }
}

variable "allowed_cidrs" {
  description = "CIDR ranges that may reach port 22; empty means no ingress, so access is by Session Manager only."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : try(cidrsubnet(cidr, 0, 0) == cidr, false)])
    error_message = "allowed_cidrs must be ranges that start at their first address, e.g. \"203.0.113.7/32\" or \"2001:db8:1::/48\"."
  }

  # Shorter than any one organisation needs; it also stops the two halves of 0.0.0.0/0.
  validation {
    condition = alltrue([
      for cidr in var.allowed_cidrs : try(tonumber(split("/", cidr)[1]) >= (strcontains(cidr, ":") ? 32 : 16), true)
    ])
    error_message = "allowed_cidrs must not admit the whole internet: no 0.0.0.0/0, no ::/0, nothing wider than an IPv4 /16 or an IPv6 /32."
  }
}

variable "database_security_group_id" {
  description = "Security group of the database, to which the bastion has egress. Its only other egress is HTTPS."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^sg-[0-9a-f]+$", var.database_security_group_id))
    error_message = "database_security_group_id must be the id of a security group: sg-…"
  }
}

variable "instance_type" {
  description = "Instance type; must be Graviton (arm64), as the image is."
  type        = string
  default     = "t4g.nano"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*[.][a-z0-9]+$", var.instance_type))
    error_message = "instance_type must be a Graviton (arm64) type, e.g. \"t4g.nano\"."
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

variable "ssh_public_key" {
  description = "OpenSSH public key for ec2-user; null means EC2 Instance Connect or Session Manager."
  type        = string
  default     = null

  validation {
    condition     = var.ssh_public_key == null || can(regex("^(ssh-ed25519|ssh-rsa) [A-Za-z0-9+/]+=*( .*)?$", var.ssh_public_key))
    error_message = "ssh_public_key must be one OpenSSH public key, ssh-ed25519 or ssh-rsa: the content of a .pub file, without line break."
  }

  validation {
    condition     = var.ssh_public_key == null || length(var.allowed_cidrs) > 0
    error_message = "ssh_public_key has no effect without allowed_cidrs: set the ranges from which it may be used, or omit it."
  }
}

variable "subnet_id" {
  description = "Public subnet of the instance."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^subnet-[0-9a-f]+$", var.subnet_id))
    error_message = "subnet_id must be the id of a subnet: subnet-…"
  }
}

variable "vpc_id" {
  description = "VPC of that subnet."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must be the id of a VPC: vpc-…"
  }
}
