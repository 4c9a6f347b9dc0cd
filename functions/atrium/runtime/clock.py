"""Elapsed time for in-memory caches, correct across Lambda freezes.

Lambda freezes an execution environment between requests, and the monotonic clock may stop
meanwhile. A cache entry for 30 seconds could then live for hours
(https://github.com/hashicorp/vault-lambda-extension/pull/150). The wall clock can be set back. So
both are read, and the longer time counts.
"""

import time

Moment = tuple[float, float]
"""A point in time by the monotonic clock and by the wall clock, in seconds."""

NEVER: Moment = (float("-inf"), float("-inf"))


def now() -> Moment:
    return time.monotonic(), time.time()


def since(moment: Moment) -> float:
    """Return the seconds from `moment` until now; possibly too many, but never too few."""
    monotonic, wall = moment
    return max(time.monotonic() - monotonic, time.time() - wall)
