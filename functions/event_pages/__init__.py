"""The events for other services: the part inside the VPC, which reads and marks them."""
