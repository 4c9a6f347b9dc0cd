"""The Lambda handler of `make replay-erasures`: queue the erasures that a restore has undone.

The event is `{"dry_run": true}`, optional, or `{"uids": […]}` for users that neither store knows to
be erased, e.g. from the log lines `user erased`. The response is `{"uids": […], "busy": […]}`. The
erasure of a user in `busy` was not queued, because another operation of theirs is pending.
"""

from typing import Any
from uuid import UUID

from replay_erasures import replay


def handler(event: dict[str, Any], _context: object = None) -> dict[str, list[str]]:
    """Queue the erasures. Raise ValueError, which names the invalid field."""
    if unknown := event.keys() - {"dry_run", "uids"}:
        raise ValueError(f"{', '.join(sorted(unknown))}: unknown field. Use dry_run or uids.")
    found = replay.undone([_uid(uid) for uid in event.get("uids", [])])
    busy = [] if event.get("dry_run") is True else replay.queue(found)
    return {"uids": found, "busy": busy}


def _uid(value: str) -> str:
    try:
        return str(UUID(value))
    except ValueError:
        raise ValueError(f"uids: {value!r} is not a UUID.") from None
