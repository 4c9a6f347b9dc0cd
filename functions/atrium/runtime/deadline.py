"""An invocation ends in time to be answered.

What Lambda cuts off at the function's timeout is a 502 without a word for the caller, and a process lost. Each store has
time limits of its own, but several slow calls in turn can outlast the function all the same.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

signal: Any = importlib.import_module(
    "_signal"
)  # `signal` itself adds enumerations, for 3 % of a bare start

FOR_THE_ANSWER = 0.5
"""Seconds of the function's time that are kept for saying that the rest was not enough."""


class DeadlineExceeded(BaseException):
    """Not an Exception: it comes out of any line, and none between may take it for an error of its own."""


@contextmanager
def deadline(context: Any) -> Iterator[None]:
    """Raises `DeadlineExceeded` in the block just before Lambda would end it. `context` is the handler's."""
    if not hasattr(
        context, "get_remaining_time_in_millis"
    ):  # called by something other than Lambda
        yield
        return
    seconds = context.get_remaining_time_in_millis() / 1000 - FOR_THE_ANSWER
    signal.signal(signal.SIGALRM, _exceeded)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would switch it off
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _exceeded(_signal: int, _frame: FrameType | None) -> None:
    raise DeadlineExceeded
