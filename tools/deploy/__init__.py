"""Environments and releases: the code that `make up` and tools/operations share."""

LIVE = "live"
"""The alias through which every caller invokes a function."""
