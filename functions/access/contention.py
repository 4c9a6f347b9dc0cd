"""Many writers at once: who meets another one reads again and repeats, for a few seconds at most."""

import random
import time
from collections.abc import Callable

from atrium.user_attributes import Contended, TransactionRefused

_ATTEMPTS = 9
_FIRST_PAUSE = 0.02
"""Seconds at most before the first repeat, then twice as many each time: five in all."""
_LAST_REPEAT = 6
"""Seconds after the first attempt: a table that is slow, too, must not keep the caller until the function is stopped."""


def settle[Result](write: Callable[[], Result]) -> Result:
    """`write` reads what it depends on, and raises Contended when that has changed by the time it writes.

    Raises Contended, which is answered 503, when others are always quicker; and what `write` raises.
    """
    started = time.monotonic()
    for attempt in range(_ATTEMPTS):
        is_last = attempt == _ATTEMPTS - 1 or time.monotonic() - started > _LAST_REPEAT
        try:
            return write()
        except Contended:
            if is_last:
                raise
        except TransactionRefused as refused:
            if refused.conditions:
                raise
            if is_last:
                raise Contended(f"Others wrote the same items {attempt + 1} times.") from refused
        time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311  no secret
    raise AssertionError("unreachable")
