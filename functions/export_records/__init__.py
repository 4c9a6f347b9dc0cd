"""The rows of an export, read inside the VPC. The service `exports` runs outside."""
