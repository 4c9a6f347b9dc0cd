"""`make dev`: serve saved files of `functions/` at once, and print a line for each request."""
