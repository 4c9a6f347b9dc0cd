"""The time of `make build` after no change or a small one. README.md describes the method."""
