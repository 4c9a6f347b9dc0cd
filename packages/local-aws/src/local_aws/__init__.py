"""An AWS for Terraform and Lambda on a laptop, without Docker and without an account."""
