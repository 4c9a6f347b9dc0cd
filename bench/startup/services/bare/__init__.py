"""A function whose handler does nothing, for comparison."""
