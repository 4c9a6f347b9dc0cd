data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

resource "aws_kms_key" "this" {
  description             = "Table ${var.name}-UserAttributes"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministersByIam"
        Effect    = "Allow"
        Principal = { AWS = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      # DynamoDB uses the key in its caller's name. With this a role needs rights on the table only, as with AWS's own key.
      {
        Sid       = "CallersThroughDynamoDb"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
        Resource  = "*"
        Condition = {
          StringEquals = {
            "kms:CallerAccount" = data.aws_caller_identity.current.account_id
            "kms:ViaService"    = "dynamodb.${data.aws_region.current.id}.amazonaws.com"
          }
        }
      },
    ]
  })

  tags = { Name = "${var.name}-UserAttributes" }
}

resource "aws_kms_alias" "this" {
  name          = "alias/${var.name}-UserAttributes"
  target_key_id = aws_kms_key.this.key_id
}
