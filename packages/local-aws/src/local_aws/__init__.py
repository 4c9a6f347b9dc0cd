"""AWS on a laptop: what Terraform, Lambda functions and their clients need, without an account and without Docker."""
