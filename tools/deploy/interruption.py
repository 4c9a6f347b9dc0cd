"""Interruptions by Ctrl-C or SIGTERM.

Both raise KeyboardInterrupt, and clean-up is not interrupted.
"""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM)


def raise_keyboard_interrupt() -> None:
    """Handle SIGTERM like Ctrl-C, even if the caller ignores signals.

    A runner that cancels a job sends both.
    """
    if _in_main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def deferred(what: str) -> Iterator[None]:
    """Ignore further interruptions during the block, and report that `what` is still running.

    A handler is used, not SIG_IGN, which child processes would inherit.
    """
    if not _in_main_thread():
        yield
        return

    def tell(_number: int, _frame: FrameType | None) -> None:
        print(f"{what}. Wait for it: an abort here would leave things half done.", file=sys.stderr)

    before = {number: signal.signal(number, tell) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()
