"""The rows of an export, read inside the VPC for the service `exports` outside."""
