"""What the supervisor and all that it started hold, from Linux's /proc."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Held:
    processes: int
    files: int
    memory: float  # MB of 2^20 bytes, resident; what processes share counts for each


def held(supervisor: int) -> Held:
    """Raises ProcessLookupError when the supervisor has ended."""
    if not (PROC / str(supervisor)).exists():
        raise ProcessLookupError(f"the supervisor {supervisor} has ended: `make logs SERVICE=aws` says why")
    found = list(_tree(supervisor))
    return Held(len(found), sum(map(_files, found)), sum(map(_resident, found)) / 2**20)


def _tree(root: int) -> Iterator[int]:
    """Of one look at all processes, so that a child that ends meanwhile does no harm."""
    children: dict[int, list[int]] = {}
    for folder in PROC.iterdir():
        if folder.name.isdigit():
            with suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    waiting = [root]
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children.get(process, [])


def _files(process: int) -> int:
    with suppress(OSError):
        return sum(1 for _ in (PROC / str(process) / "fd").iterdir())
    return 0


def _resident(process: int) -> int:
    with suppress(OSError):
        return int((PROC / str(process) / "statm").read_text().split()[1]) * _PAGE
    return 0
