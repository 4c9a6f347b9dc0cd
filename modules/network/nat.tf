locals {
  # zone => the zone whose gateway carries its traffic
  nat_zone_of = {
    none   = {}
    single = { for zone in var.availability_zones : zone => var.availability_zones[0] }
    per_az = { for zone in var.availability_zones : zone => zone }
  }[var.nat]
  nat_zones = toset(values(local.nat_zone_of))
}

resource "aws_eip" "nat" {
  for_each = local.nat_zones

  domain = "vpc"

  tags = { Name = "${var.name}-nat-${each.key}" }
}

resource "aws_nat_gateway" "this" {
  for_each = local.nat_zones

  allocation_id = aws_eip.nat[each.key].id
  subnet_id     = aws_subnet.public[each.key].id

  tags = { Name = "${var.name}-${each.key}" }

  # A gateway made before the internet route exists fails on AWS, and no attribute of ours refers to that route.
  depends_on = [aws_route.public_internet]
}

resource "aws_route" "private_nat" {
  for_each = local.nat_zone_of

  route_table_id         = aws_route_table.private[each.key].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this[each.value].id
}
