"""The comparison of the user pool with our stores: the part outside the VPC."""
