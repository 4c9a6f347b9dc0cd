"""How long ago something was, to whoever keeps it in memory for a while.

Lambda freezes an execution environment between requests, and its monotonic clock may stand still meanwhile: what was to be
kept for 30 seconds is then kept for hours (https://github.com/hashicorp/vault-lambda-extension/pull/150 met it). The wall
clock, in turn, may be set back. So both are looked at, and the one that tells more is believed.
"""

import time

Moment = tuple[float, float]
"""By the monotonic clock and by the wall clock, in seconds."""

NEVER: Moment = (float("-inf"), float("-inf"))


def now() -> Moment:
    return time.monotonic(), time.time()


def since(moment: Moment) -> float:
    """Seconds from then until now, or more: never fewer."""
    monotonic, wall = moment
    return max(time.monotonic() - monotonic, time.time() - wall)
