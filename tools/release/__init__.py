"""Releases of the repository, and what workflows tell GitHub."""
