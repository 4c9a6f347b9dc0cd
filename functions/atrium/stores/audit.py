"""The audit trail: an item in the transaction of the change itself.

    AUDIT#<id>  META  {uid, actor, action, changes, request_id, at}

Its attributes are the columns of Postgres' `audit_events`, so a reader of the table's stream can
copy it there. `changes` names what was changed, without values of people, because the trail
outlives an erasure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from atrium.http.request import Request
from atrium.identity.about import about
from atrium.runtime.uuid7 import uuid7


def entry(
    request: Request, action: str, changes: Mapping[str, object], uid: str | None = None
) -> dict[str, Any]:
    """Return an item of a transaction. `uid` is the user whose record was changed, if any."""
    attributes = {
        "pk": f"AUDIT#{uuid7()}",
        "sk": "META",
        "uid": uid,
        "actor": request.caller.uid,
        "action": action,
        "changes": msgspec.json.encode(changes).decode(),
        "request_id": request.request_id,
        "at": now(),
    } | (about(uid) if uid else {})
    return {
        "Put": {
            "Item": {name: {"S": value} for name, value in attributes.items() if value is not None}
        }
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
