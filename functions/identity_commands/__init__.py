"""What Cognito must do, done outside the VPC."""
