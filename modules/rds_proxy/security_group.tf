# Only the proxy and the bastion reach the database, only the named clients reach the proxy. Rules that refer to a group carry
# no description: the local control plane does not give it back, and a second plan would not be empty.

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Database"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-database" }
}

resource "aws_vpc_security_group_ingress_rule" "database_from_proxy" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.proxy.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "database_from_bastion" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  for_each = var.bastion_security_group_ids

  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_security_group" "proxy" {
  #checkov:skip=CKV2_AWS_5:It is the proxy's own, in main.tf; checkov knows no proxies.
  name        = "${var.name}-proxy"
  description = "RDS Proxy"
  vpc_id      = var.vpc_id

  tags = { Name = "${var.name}-proxy" }
}

resource "aws_vpc_security_group_ingress_rule" "proxy_from_client" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  for_each = var.client_security_group_ids

  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = each.value
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_egress_rule" "proxy_to_database" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  security_group_id            = aws_security_group.proxy.id
  referenced_security_group_id = aws_security_group.database.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
