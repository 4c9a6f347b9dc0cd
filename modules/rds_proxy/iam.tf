resource "aws_iam_role" "proxy" {
  name                 = "${var.name}-proxy"
  permissions_boundary = var.pool.role_boundary_arn

  # No condition: RDS Proxy sends no global condition keys, so a condition on one refuses every login
  # (https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html, "Limitations"). iam:PassRole limits who hands it over.
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy" "proxy" {
  name = "read-database-secrets"
  role = aws_iam_role.proxy.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "ReadSecrets"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = values(local.secret_arns)
      },
      {
        Sid       = "DecryptSecrets"
        Effect    = "Allow"
        Action    = "kms:Decrypt"
        Resource  = aws_kms_key.this.arn
        Condition = { StringEquals = { "kms:ViaService" = "secretsmanager.${data.aws_region.current.id}.amazonaws.com" } }
      },
    ]
  })
}
