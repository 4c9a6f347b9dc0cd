"""Orders and their menu."""
