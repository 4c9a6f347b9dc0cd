"""Terraform on a laptop: the binary, its provider, and a scratch root that AWS never sees."""
