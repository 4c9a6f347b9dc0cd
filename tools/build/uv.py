"""The search for uv, which installs and locks packages."""

import os
import shutil
import sys
from pathlib import Path

from tools.build.errors import BuildError


def uv() -> str:
    """Return uv from UV, PATH or `.venv`. Raise BuildError if there is none."""
    beside_python = Path(sys.executable).with_name("uv")
    found = (
        os.environ.get("UV")
        or shutil.which("uv")
        or (str(beside_python) if beside_python.is_file() else None)
    )
    if not found:
        raise BuildError(
            Path("uv"),
            None,
            "It is not on PATH.",
            "Install it (`pip install uv`), or name it in UV.",
        )
    return found
