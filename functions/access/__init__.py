"""User attributes, roles and grants, and access decisions (AuthZEN)."""
