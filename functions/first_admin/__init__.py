"""The function that creates an administrator when there is none."""
