"""`make dev`: what is saved in `functions/` is served at once, and every request is told in a line."""
