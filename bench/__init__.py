"""What Atrium costs, measured: each folder is one benchmark, run as `python -m bench.<folder>`."""
