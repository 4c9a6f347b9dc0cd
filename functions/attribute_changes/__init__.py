"""What has changed in the table, taken up inside the VPC."""
