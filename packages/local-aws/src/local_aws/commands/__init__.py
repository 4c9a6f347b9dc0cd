"""The commands of `local-aws`, for a Terraform root of any kind."""
