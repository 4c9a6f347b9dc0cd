"""Waiting for what a running stack does by itself."""

import time
from collections.abc import Callable


def settle(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true within so many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return condition()
