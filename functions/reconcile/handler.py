"""The Lambda handler of the schedule and of `make reconcile`.

The event of `make reconcile` is `{"repair": false, "restart": true}`. The schedule's event has
neither field: it repairs if the setting `RECONCILE_REPAIR` is 1, and begins a pass once a day. The
response is `{"state": …, "found": {…}}`.
"""

from typing import Any

from atrium.runtime import config
from reconcile import passes

RESERVE_MILLISECONDS = 60_000
"""The time for a last page and the answer before Lambda ends the run."""


def handler(event: dict[str, Any], context: Any = None) -> dict[str, Any]:
    """Compare until the pass or the time ends."""
    repair = event.get("repair", config.optional("RECONCILE_REPAIR") == "1")
    left = getattr(context, "get_remaining_time_in_millis", lambda: RESERVE_MILLISECONDS + 1)
    return passes.run(
        repair=repair is True,
        restart=event.get("restart") is True,
        has_time=lambda: left() > RESERVE_MILLISECONDS,
    )
