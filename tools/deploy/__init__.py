"""Environments and releases: the code that `make up` and tools/operations share."""
