"""The function that registers services: machine callers with roles."""
