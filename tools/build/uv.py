"""Where uv is, which installs and locks."""

import os
import shutil
import sys
from pathlib import Path

from tools.build.errors import BuildError


def uv() -> str:
    """The one that UV names, that of PATH, or that of `.venv`. Raises BuildError when there is none."""
    beside_python = Path(sys.executable).with_name("uv")
    found = os.environ.get("UV") or shutil.which("uv") or (str(beside_python) if beside_python.is_file() else None)
    if not found:
        raise BuildError(Path("uv"), None, "It is not on PATH.", "Install it (`pip install uv`), or name it in UV.")
    return found
