"""A run: it puts pages of events from `event_pages` on the bus and returns the published ids.

A run that is killed between the two publishes the same events again, with the same ids.
"""

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from atrium.runtime import log
from atrium.runtime.config import required
from publish_events.clients import client

SOURCE = "atrium"
MOST_ENTRIES = 10
"""PutEvents takes at most ten events."""

Event = dict[str, Any]


class PagesFailedError(Exception):
    """`event_pages` failed. Its log has the reason."""


class NotAcceptedError(Exception):
    """EventBridge has rejected events. The next run publishes them, in their order."""


def run(*, has_time: Callable[[], bool]) -> dict[str, Any]:
    """Publish what is due. Raise NotAcceptedError at the end if the bus has rejected events."""
    if not _pages("claim"):
        return {"state": "another run is at work", "published": 0}
    stopped: set[str] = set()
    try:
        total, ended = _publish_pages(stopped, has_time)
    except Exception:
        with contextlib.suppress(Exception):  # the claim expires a minute after it was made
            _pages("release")
        raise
    _pages("release")
    if stopped:
        raise NotAcceptedError(
            f"EventBridge rejected events of {len(stopped)} users; the log lists the reasons. "
            "The next run publishes them again."
        )
    return {"state": "ended" if ended else "time ended", "published": total}


def _publish_pages(stopped: set[str], has_time: Callable[[], bool]) -> tuple[int, bool]:
    """Return the number of published events, and True if none is left but rejected ones."""
    total = 0
    events = _pages("next", published=[], after=None)
    while events and has_time():
        published = _publish(events, stopped)
        total += len(published)
        events = _pages("next", published=published, after=events[-1]["detail"])
    return total, not events


def _publish(events: Sequence[Event], stopped: set[str]) -> list[str]:
    """Publish a page and return the ids of the accepted events.

    A rejection adds the user to `stopped`, so that no later event of this user overtakes.
    """
    published = []
    for batch in _batches(events):
        chosen = [each for each in batch if each["detail"]["user"] not in stopped]
        if not chosen:
            continue
        results = client("events").put_events(Entries=[_entry(each) for each in chosen])["Entries"]
        for each, result in zip(chosen, results, strict=True):
            if "ErrorCode" in result:
                stopped.add(each["detail"]["user"])
                log.write(
                    "ERROR", "event rejected", code=result["ErrorCode"], uid=each["detail"]["user"]
                )
            else:
                published.append(each["detail"]["id"])
    return published


def _batches(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Yield batches with at most one event of a user.

    PutEvents may reject an event of a batch and accept a later one.
    """
    left = list(events)
    while left:
        first = {each["detail"]["user"]: each for each in reversed(left)}
        batch = list(first.values())[:MOST_ENTRIES]
        yield batch
        left = [each for each in left if each not in batch]


def _entry(event: Event) -> dict[str, Any]:
    return {
        "EventBusName": required("EVENT_BUS"),
        "Source": SOURCE,
        "DetailType": event["type"],
        "Detail": json.dumps(event["detail"]),
        "Time": event["detail"]["time"],
    }


def _pages(step: str, **arguments: Any) -> Any:
    answer = client("lambda").invoke(
        FunctionName=required("EVENT_PAGES_FUNCTION"),
        Payload=json.dumps({"step": step} | arguments).encode(),
    )
    if "FunctionError" in answer:
        raise PagesFailedError(f"event_pages failed in the step {step}; its log says why.")
    return json.loads(answer["Payload"].read())
