"""hypothesis for our tests: the same cases in each run, whatever the machine is busy with.

What a run of chance finds, somebody finds who changed something else. So chance is asked for: EXPLORE=1 makes every run another one.
"""

import os
from collections.abc import Callable
from typing import Any, cast

import hypothesis
from hypothesis import HealthCheck, settings

_SETTINGS = settings(
    derandomize="EXPLORE" not in os.environ,
    database=None,
    deadline=None,  # of an example: by default 200 ms, which a busy machine takes for any
    suppress_health_check=[HealthCheck.too_slow],  # likewise a clock's
)


def given(*strategies: Any, **named: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """hypothesis.given."""

    def generated(test: Callable[..., None]) -> Callable[..., None]:
        return cast("Any", _SETTINGS)(hypothesis.given(*strategies, **named)(test))  # type: ignore[no-any-return, no-untyped-call]

    return generated
