"""Commands to Cognito, executed outside the VPC."""
