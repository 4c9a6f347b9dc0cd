"""hypothesis with the same cases in each run, on any machine.

A random failure would meet somebody who changed something else. So random cases are optional:
EXPLORE=1 gives other cases in each run, EXPLORE=20 twenty times as many.
"""

import os
from collections.abc import Callable
from typing import Any, cast

import hypothesis
from hypothesis import HealthCheck, settings

_SETTINGS = settings(
    derandomize="EXPLORE" not in os.environ,
    database=None,
    deadline=None,  # for each example: the default of 200 ms fails on a busy machine
    suppress_health_check=[HealthCheck.too_slow],  # depends on the clock, too
)


def given(
    *strategies: Any, max_examples: int = 100, **named: Any
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Decorate a test as hypothesis.given does. EXPLORE=<number> multiplies `max_examples`."""

    def generated(test: Callable[..., None]) -> Callable[..., None]:
        profile = settings(
            _SETTINGS, max_examples=max_examples * int(os.environ.get("EXPLORE") or 1)
        )
        return cast("Any", profile)(hypothesis.given(*strategies, **named)(test))  # type: ignore[no-any-return, no-untyped-call]

    return generated
