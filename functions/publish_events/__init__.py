"""The events for other services: the part outside the VPC, which publishes them on the bus."""
