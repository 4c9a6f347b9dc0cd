"""Waiting for changes that a running stack makes by itself."""

import time
from collections.abc import Callable


def settle(condition: Callable[[], bool], seconds: float) -> bool:
    """Return True if the condition became true within this many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
