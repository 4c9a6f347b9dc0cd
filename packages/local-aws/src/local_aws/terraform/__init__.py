"""Terraform: its binary, its provider, and the state that snapshots keep."""
