"""The resources of the supervisor and its descendants."""

from contextlib import suppress
from dataclasses import dataclass

import psutil


@dataclass(frozen=True)
class Held:
    processes: int
    files: int
    memory: float  # resident memory in MB of 2^20 bytes; shared pages count for each process


def held(supervisor: int) -> Held:
    """Return the sums over all processes. Raise ProcessLookupError if the supervisor has ended."""
    try:
        root = psutil.Process(supervisor)
        tree = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        raise ProcessLookupError(
            f"The supervisor {supervisor} has ended. `make logs SERVICE=aws` shows why."
        ) from None
    files = memory = 0
    for process in tree:
        with suppress(psutil.Error):  # it has ended, or belongs to another user
            memory += process.memory_info().rss
            files += process.num_fds()
    return Held(len(tree), files, memory / 2**20)
