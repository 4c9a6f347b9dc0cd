"""Atrium's commands. docs/architecture.md gives the import rules, which import-linter checks."""

import sys
from pathlib import Path

from local_aws import unexpected

ROOT = Path(__file__).resolve().parent.parent
"""The checkout."""

if sys.argv[:1] == ["-m"]:  # started as `python -m tools.…`, and neither by a test nor a benchmark
    sys.excepthook = unexpected.hook(ROOT / ".venv")
