"""Progress of a start: one line a phase with its elapsed time, updated live on a terminal."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

HEARTBEAT = 15.0  # seconds between lines if lines cannot be rewritten, as in a CI log


class Phase:
    """One running phase; `detail` is its current activity."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.detail = ""
        self.started = time.monotonic()

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.started

    def line(self, mark: str) -> str:
        return f"  {mark} {self.name:<18} {self.elapsed:6.1f} s   {self.detail}".rstrip()


@contextmanager
def phase(name: str) -> Iterator[Phase]:
    """Show `name` until the block ends, then ✓ with its time, or ✗ if it raises."""
    current = Phase(name)
    done = threading.Event()
    live = sys.stderr.isatty()
    ticker = threading.Thread(target=_tick, args=(current, done, live), daemon=True)
    ticker.start()
    mark = "✗"
    try:
        yield current
        mark = "✓"
    finally:
        done.set()
        ticker.join()
        _write(current.line(mark), live, end="\n")


def _tick(current: Phase, done: threading.Event, live: bool) -> None:
    while not done.wait(0.2 if live else HEARTBEAT):
        _write(current.line("…"), live, end="" if live else "\n")


def _write(line: str, live: bool, end: str) -> None:
    sys.stderr.write(f"\r\x1b[K{line[:118]}{end}" if live else f"{line}{end}")
    sys.stderr.flush()
