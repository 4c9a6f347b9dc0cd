# Keys and indexes are described in docs/architecture.md, "UserAttributes".
resource "aws_dynamodb_table" "user_attributes" {
  name                        = "${var.name}-UserAttributes"
  billing_mode                = "PAY_PER_REQUEST"
  deletion_protection_enabled = var.deletion_protection

  hash_key  = "pk"
  range_key = "sk"

  stream_enabled   = true
  stream_view_type = "NEW_AND_OLD_IMAGES"

  dynamic "attribute" {
    for_each = toset(["gsi1pk", "gsi1sk", "gsi2pk", "gsi2sk", "pk", "sk"])

    content {
      name = attribute.key
      type = "S"
    }
  }

  # Who holds this role, or a right on this resource.
  global_secondary_index {
    name            = "GSI1"
    hash_key        = "gsi1pk"
    range_key       = "gsi1sk"
    projection_type = "ALL"
  }

  # Which grants end on this day.
  global_secondary_index {
    name            = "GSI2"
    hash_key        = "gsi2pk"
    range_key       = "gsi2sk"
    projection_type = "ALL"
  }

  # Deletion is lazy, up to days late: readers filter on expires_at themselves.
  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = aws_kms_key.this.arn
  }
}
