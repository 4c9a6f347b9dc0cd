"""What calls about items cost on the laptop, at a thousand items and at a million."""
