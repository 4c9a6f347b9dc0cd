"""A person has confirmed their address: make them a user."""
