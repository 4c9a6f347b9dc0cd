"""Optimistic locking with back-off: a conflicting write is repeated for a few seconds at most."""

import random
import time
from collections.abc import Callable

from atrium.stores.user_table import ContentionError, TransactionCanceledError

_ATTEMPTS = 9
_FIRST_PAUSE = 0.02
"""The longest first pause, in seconds.

Each further pause may take twice as long. Together they take at most five seconds.
"""
LAST_REPEAT = 6
"""Seconds after which no repeat starts, so that a response precedes the function's timeout."""


def retry_on_conflict[Result](write: Callable[[], Result]) -> Result:
    """Call `write` until no other transaction interferes. Return its result.

    `write` reads its preconditions, and raises ContentionError if they have changed by the time it
    writes. A transaction that was cancelled only because of conflicts is repeated, too. Raises
    ContentionError (503) if other writers always come first, and whatever else `write` raises.
    """
    started = time.monotonic()
    for attempt in range(_ATTEMPTS):
        is_last = attempt == _ATTEMPTS - 1 or time.monotonic() - started > LAST_REPEAT
        try:
            return write()
        except ContentionError:
            if is_last:
                raise
        except TransactionCanceledError as refused:
            if refused.conditions:
                raise
            if is_last:
                raise ContentionError(
                    f"Other writers changed the same items {attempt + 1} times."
                ) from refused
        time.sleep(random.uniform(0, _FIRST_PAUSE * 2**attempt))  # noqa: S311  no secret
    raise AssertionError("unreachable")
