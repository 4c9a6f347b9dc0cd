"""The Lambda handler that `publish_events` invokes once per step. Steps can be repeated.

{"step": "claim"}                                   true, or false if another run is at work
{"step": "next", "published": [<id>], "after": …}   marks events as published; the next page
{"step": "release"}                                 lets the next run begin at once

`after` is null or the last event of the page before: {"user": …, "sequence": …}.
"""

from typing import Any

from event_pages import pages


def handler(event: dict[str, Any], _context: object = None) -> Any:
    match event["step"]:
        case "claim":
            return pages.claim()
        case "next":
            return pages.next_page(event["published"], event["after"])
        case "release":
            return pages.release()
        case unknown:
            raise ValueError(f"step: {unknown!r} is unknown.")
