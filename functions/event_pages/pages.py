"""Pages of unpublished events, each user's in the order of the changes."""

from collections.abc import Sequence
from typing import Any

from atrium.runtime import rfc3339
from atrium.stores import postgres
from atrium.stores.postgres import Statement
from event_pages import queries
from event_pages.event_types import type_of

PAGE = 100


def claim() -> bool:
    """Return True if this run may publish, or False if another one is at work."""
    return bool(postgres.query(queries.CLAIM))


def release() -> None:
    postgres.query(queries.RELEASE)


def next_page(published: Sequence[str], after: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Mark events as published and return the events after the given one."""
    last = after or {"user": None, "sequence": 0}
    of_page = {"uid": last["user"], "position": last["sequence"], "limit": PAGE}
    mark = Statement(queries.MARK, {"ids": list(published)})
    _, rows = postgres.batch(mark, Statement(queries.NEXT, of_page))
    return [_event(*row) for row in rows]


def _event(id: str, uid: str, position: int, action: str, at: Any, status: str) -> dict[str, Any]:
    return {
        "type": type_of(action, status),
        "detail": {
            "id": id,
            "sequence": position,
            "user": uid,
            "action": action,
            "time": rfc3339.text(at),
        },
    }
