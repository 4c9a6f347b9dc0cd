"""Optimistic locking with back-off: a write that meets another one reads again and repeats, for a few seconds at most."""

import random
import time
from collections.abc import Callable

from atrium.stores.user_attributes import Contended, TransactionRefused

_ATTEMPTS = 9
_FIRST_PAUSE = 0.02
"""The longest pause in seconds before the first repeat. It doubles each time, so all pauses add up to five seconds."""
_LAST_REPEAT = 6
"""Seconds after the first attempt. With a slow table the caller still gets an answer before the function is stopped."""


def retry_on_conflict[Result](write: Callable[[], Result]) -> Result:
    """Call `write` until no other transaction interferes. Return what it returns.

    `write` reads what it depends on, and raises Contended when that has changed by the time it writes. A transaction
    that was refused for conflicts alone is repeated, too. Raises Contended, which is answered 503, when other writers
    always come first, and whatever else `write` raises.
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
                raise Contended(
                    f"Other writers changed the same items {attempt + 1} times."
                ) from refused
        time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311  no secret
    raise AssertionError("unreachable")
