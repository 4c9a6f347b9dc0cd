"""Benchmarks of Atrium: each folder is one, run as `python -m bench.<folder>`."""
