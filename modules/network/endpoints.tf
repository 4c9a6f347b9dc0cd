locals {
  private_route_table_ids = [for table in aws_route_table.private : table.id]
  service_prefix          = "com.amazonaws.${data.aws_region.current.id}"
}

resource "aws_vpc_endpoint" "s3" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "${local.service_prefix}.s3"
  route_table_ids   = local.private_route_table_ids

  tags = { Name = "${var.name}-s3" }
}

resource "aws_vpc_endpoint" "dynamodb" {
  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "${local.service_prefix}.dynamodb"
  route_table_ids   = local.private_route_table_ids

  # Grants nothing by itself (IAM still decides); it bounds what can be reached from inside the VPC, with any credentials.
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
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
