# Every function in the VPC. Names are prefixes, and a new group comes before the old one goes: a function cannot be without.
# Both groups outlive nothing but the VPC policy: Lambda deletes a function's interfaces in the name of its role, and a group that waits
# for them to go must not have taken that right away before (provider #32130, #37624).
resource "aws_security_group" "functions" {
  count = local.has_network ? 1 : 0

  name_prefix = "${var.name}-functions-"
  description = "Functions: DynamoDB and nothing else"
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name}-functions" }

  depends_on = [aws_iam_role_policy.vpc]

  lifecycle {
    create_before_destroy = true
  }

  timeouts {
    delete = "45m" # as long as AWS may keep a deleted function's interface
  }
}

resource "aws_vpc_security_group_egress_rule" "functions_to_dynamodb" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  count = local.has_network ? 1 : 0

  security_group_id = aws_security_group.functions[0].id
  prefix_list_id    = var.network.dynamodb_prefix_list_id
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

# The functions among them that declare postgres; the proxy admits this group.
resource "aws_security_group" "postgres_clients" {
  count = local.has_network ? 1 : 0

  name_prefix = "${var.name}-postgres-clients-"
  description = "Functions that declare postgres: the proxy"
  vpc_id      = var.network.vpc_id

  tags = { Name = "${var.name}-postgres-clients" }

  depends_on = [aws_iam_role_policy.vpc]

  lifecycle {
    create_before_destroy = true
  }

  timeouts {
    delete = "45m" # as long as AWS may keep a deleted function's interface
  }
}

resource "aws_vpc_security_group_egress_rule" "postgres_clients_to_proxy" {
  #checkov:skip=CKV_AWS_23:Its name says it; the local control plane gives no description back, and a second plan would not be empty.
  count = local.has_network && var.postgres != null ? 1 : 0

  security_group_id            = aws_security_group.postgres_clients[0].id
  referenced_security_group_id = var.postgres.security_group_id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
