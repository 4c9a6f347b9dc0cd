"""Comparable stacks: their locks, their functions, and the folder they are installed into."""
