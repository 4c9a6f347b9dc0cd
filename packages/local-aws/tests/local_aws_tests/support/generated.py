"""hypothesis for our tests: the same cases in each run, whatever the machine is busy with.

What a run of chance finds, somebody finds who changed something else. So chance is asked for: EXPLORE=1 makes every run another one,
EXPLORE=20 one of twenty times as many cases.
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
