"""The demonstration service: a menu and orders."""
