"""Atrium beside its peers, measured in one run. README.md describes the rows."""
