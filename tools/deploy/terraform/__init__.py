"""Terraform: its binary, its provider, an environment's root and the laptop's scratch root."""
