"""Atrium's commands. docs/architecture.md gives the import rules, which import-linter checks."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""
