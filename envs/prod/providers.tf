provider "aws" {
  region              = local.region
  allowed_account_ids = [var.account_id]

  default_tags {
    tags = {
      Environment = local.stage
      ManagedBy   = "terraform"
      Project     = local.project
    }
  }
}
