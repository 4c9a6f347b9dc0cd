resource "aws_s3_bucket" "state" {
  #checkov:skip=CKV_AWS_18:Who touched a state is in CloudTrail's data events, where an account has them; access logs would need a second bucket.
  #checkov:skip=CKV_AWS_144:Losing a region loses what the states describe too; versions guard against losing a state alone.
  #checkov:skip=CKV_AWS_145:S3's own key encrypts it. The role that plans is denied kms:Decrypt, so that it reads no secret, and must read states.
  #checkov:skip=CKV2_AWS_62:Nothing acts on a state being written.
  bucket = var.state_bucket

  lifecycle {
    prevent_destroy = true
  }
}

resource "aws_s3_bucket_versioning" "state" {
  bucket = aws_s3_bucket.state.id

  versioning_configuration {
    status = "Enabled"
  }
}

# An old version is for going back after an accident, which shows within days.
resource "aws_s3_bucket_lifecycle_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    id     = "old-versions"
    status = "Enabled"

    filter {}

    noncurrent_version_expiration {
      newer_noncurrent_versions = 10
      noncurrent_days           = 90
    }

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  # A kept plan holds values in clear, and waits for its approval no longer than a week.
  dynamic "rule" {
    for_each = local.environments

    content {
      id     = "plans-of-${rule.key}"
      status = "Enabled"

      filter {
        prefix = "${rule.key}/plans/"
      }

      expiration {
        days = 7
      }

      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  depends_on = [aws_s3_bucket_versioning.state]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

resource "aws_s3_bucket_public_access_block" "state" {
  bucket = aws_s3_bucket.state.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "state" {
  bucket = aws_s3_bucket.state.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "state" {
  bucket = aws_s3_bucket.state.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "s3:*"
      Resource  = [aws_s3_bucket.state.arn, "${aws_s3_bucket.state.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })

  # A policy and the block below it cannot be written at the same time.
  depends_on = [aws_s3_bucket_public_access_block.state]
}
