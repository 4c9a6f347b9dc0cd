"""A deadline that ends an invocation in time for a proper response.

An invocation that Lambda ends at the function's timeout gives the client a bare 502, and the
process is lost. Each store has its own timeouts, but several slow calls in a row can still exceed
the function's.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

signal: Any = importlib.import_module(
    "_signal"
)  # the module `signal` adds enumerations, which cost 3 % of a bare start

FOR_THE_ANSWER = 0.5
"""Seconds that are reserved for the error response."""


class DeadlineExceededError(BaseException):
    """The deadline has passed.

    It is not an Exception, because it can occur on any line and no handler may swallow it.
    """


@contextmanager
def deadline(context: Any) -> Iterator[None]:
    """Raise `DeadlineExceededError` in the block just before Lambda's timeout.

    `context` is the handler's.
    """
    if not hasattr(context, "get_remaining_time_in_millis"):  # the caller is not Lambda
        yield
        return
    seconds = context.get_remaining_time_in_millis() / 1000 - FOR_THE_ANSWER
    signal.signal(signal.SIGALRM, _exceeded)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))  # 0 would disable the timer
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _exceeded(_signal: int, _frame: FrameType | None) -> None:
    raise DeadlineExceededError
