"""What a function wrote, for somebody who looks at the repository: paths of its files, and no frames of the machinery."""

import re
from collections.abc import Iterable
from pathlib import Path

# Where the laptop's Lambda unpacks a zip or the layer; a file of the kernel is `python/atrium/runtime/log.py` there.
_UNPACKED = re.compile(r"/\S+?/run/code/[0-9a-f]{64}/(?:python/)?(?P<path>[^\s\"]+)")
_MACHINERY = re.compile(
    r"LAMBDA_WARNING: Unhandled exception|File \"<frozen importlib|"
    r"importlib/__init__\.py\", line \d+, in import_module|return _bootstrap\._gcd_import"
)


def readable(lines: Iterable[str], root: Path) -> list[str]:
    """`root` is the repository."""
    return [
        _UNPACKED.sub(lambda found: _named(found, root), _plain(line))
        for line in lines
        if not _MACHINERY.search(line)
    ]


def _plain(line: str) -> str:
    # The runtime indents tracebacks with no-break spaces.
    return line.replace("\N{NO-BREAK SPACE}", " ")


def _named(found: re.Match[str], root: Path) -> str:
    """A vendored package keeps the path in its zip, which is all that it has in common with the repository."""
    ours = f"functions/{found['path']}"
    return ours if (root / ours).is_file() else found["path"]
