"""A public route that validates its body, the work that every framework does."""
