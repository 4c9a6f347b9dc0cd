"""Atrium's commands. Imports point downwards only, as docs/architecture.md draws it and import-linter checks it."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
