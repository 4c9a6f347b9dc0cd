"""Attributes, roles and grants, and decisions by them."""
