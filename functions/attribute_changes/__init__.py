"""The consumer of the table's stream inside the VPC."""
