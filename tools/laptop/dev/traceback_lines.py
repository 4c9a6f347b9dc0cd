"""A function's output with paths of the repository, and without frames of the runtime."""

import re
from collections.abc import Iterable
from pathlib import Path

# The folders of unpacked zips and layers. A kernel file is `python/atrium/runtime/log.py` there.
_UNPACKED = re.compile(r"/\S+?/run/code/[0-9a-f]{64}/(?:python/)?(?P<path>[^\s\"]+)")
_MACHINERY = re.compile(
    r"LAMBDA_WARNING: Unhandled exception|File \"<frozen importlib|"
    r"importlib/__init__\.py\", line \d+, in import_module|return _bootstrap\._gcd_import"
)


def readable(lines: Iterable[str], root: Path) -> list[str]:
    """Return the readable lines; `root` is the repository."""
    return [
        _UNPACKED.sub(lambda found: _named(found, root), _plain(line))
        for line in lines
        if not _MACHINERY.search(line)
    ]


def _plain(line: str) -> str:
    # The runtime indents tracebacks with no-break spaces.
    return line.replace("\N{NO-BREAK SPACE}", " ")


def _named(found: re.Match[str], root: Path) -> str:
    """Return the path in the repository; a vendored package keeps its path in the zip."""
    ours = f"functions/{found['path']}"
    return ours if (root / ours).is_file() else found["path"]
