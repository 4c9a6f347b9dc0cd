"""The Lambda handler of the schedule. The response is `{"state": …, "published": <number>}`."""

from typing import Any

from publish_events import publishing

RESERVE_MILLISECONDS = 20_000
"""The time for a last page and its mark before Lambda ends the run."""


def handler(_event: dict[str, Any], context: Any = None) -> dict[str, Any]:
    """Publish until no event is left or the time ends."""
    left = getattr(context, "get_remaining_time_in_millis", lambda: RESERVE_MILLISECONDS + 1)
    return publishing.run(has_time=lambda: left() > RESERVE_MILLISECONDS)
