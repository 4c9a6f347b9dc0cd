"""The cost of item operations on the laptop, at a thousand items and at a million."""
