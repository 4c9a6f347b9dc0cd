# An endpoint's policy grants nothing by itself (IAM still decides); it bounds what can be reached from inside the VPC, with any
# credentials. The gateways stand in the public subnets' routes too, or the bastion would go around them by the internet.
locals {
  route_table_ids = concat([aws_route_table.public.id], [for table in aws_route_table.private : table.id])
  service_prefix  = "com.amazonaws.${data.aws_region.current.id}"

  # The bastion's packages. The suffix is the same in every region, e.g. al2023-repos-ca-central-1-de612dc2.s3.dualstack… in
  # https://github.com/amazonlinux/amazon-linux-2023/issues/1084
  amazon_linux_bucket_arn = "arn:${data.aws_partition.current.partition}:s3:::al2023-repos-${data.aws_region.current.id}-de612dc2"
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "${local.service_prefix}.s3"
  route_table_ids   = local.route_table_ids

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "AmazonLinuxPackages"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:GetObject"
        Resource  = ["${local.amazon_linux_bucket_arn}/*"]
      }],
      [for buckets in [var.s3_bucket_arns] : {
        Sid       = "OurBuckets"
        Effect    = "Allow"
        Principal = "*"
        Action    = "s3:*"
        Resource  = flatten([for arn in buckets : [arn, "${arn}/*"]])
      } if length(buckets) > 0],
    )
  })

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "${local.service_prefix}.dynamodb"
  route_table_ids   = local.route_table_ids

  # A policy must hold a statement, so no table is said as Deny.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = length(var.dynamodb_table_arns) == 0 ? "Deny" : "Allow"
      Principal = "*"
      Action    = "dynamodb:*"
      Resource = (
        length(var.dynamodb_table_arns) == 0 ? ["*"] : flatten([for arn in var.dynamodb_table_arns : [arn, "${arn}/index/*"]])
      )
    }]
  })

  tags = { Name = "${var.name}-dynamodb" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  vpc_endpoint_type   = "Interface"
  service_name        = "${local.service_prefix}.${each.key}"
  subnet_ids          = [for subnet in aws_subnet.private : subnet.id]
  security_group_ids  = [aws_security_group.interface_endpoint[each.key].id]
  private_dns_enabled = each.value.private_dns
  policy              = each.value.policy

  tags = { Name = "${var.name}-${each.key}" }
}
