# Adopted without rules: whatever is started without naming a group of its own can speak to nothing.
resource "aws_default_security_group" "closed" {
  vpc_id  = aws_vpc.this.id
  ingress = []
  egress  = []

  tags = { Name = "${var.name}-default-closed" }
}

resource "aws_security_group" "interface_endpoint" {
  for_each = var.interface_endpoints

  name        = "${var.name}-endpoint-${each.key}"
  description = "Interface endpoint ${each.key}"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-endpoint-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "interface_endpoint_https" {
  for_each = var.interface_endpoints

  security_group_id = aws_security_group.interface_endpoint[each.key].id
  description       = "HTTPS from the VPC"
  cidr_ipv4         = aws_vpc.this.cidr_block
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}
