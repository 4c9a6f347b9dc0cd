# Subnet addresses are computed from the VPC's: eight slots, of which the first six are the private subnets (by position in
# availability_zones) and the seventh holds the public ones. So nothing overlaps, and an appended zone moves no other subnet.

locals {
  zone_position = { for position, zone in var.availability_zones : zone => position }
}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_vpc" "this" {
  cidr_block           = var.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true

  tags = { Name = var.name }
}

resource "aws_subnet" "private" {
  for_each = local.zone_position

  vpc_id            = aws_vpc.this.id
  availability_zone = each.key
  cidr_block        = cidrsubnet(var.cidr, 3, each.value)

  tags = { Name = "${var.name}-private-${each.key}" }

  # AWS releases the interfaces of deleted functions up to 45 minutes late (provider #10329).
  timeouts {
    delete = "45m"
  }
}

# A public address is asked for by the resource that needs one (the bastion), never given by the subnet.
resource "aws_subnet" "public" {
  for_each = local.zone_position

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.key
  cidr_block              = cidrsubnet(cidrsubnet(var.cidr, 3, 6), 3, each.value)
  map_public_ip_on_launch = false

  tags = { Name = "${var.name}-public-${each.key}" }
}
