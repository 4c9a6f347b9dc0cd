"""The trail: an item in the transaction of the change itself, so that neither is there without the other.

    AUDIT#<id>  META  {uid, actor, action, changes, request_id, at}

Its attributes are the columns of Postgres' `audit_events`, to which whoever reads the table's stream may carry it. `changes`
names what was changed, and holds no values of people: the trail outlives an erasure.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from atrium.http.request import Request
from atrium.runtime.uuid7 import uuid7


def entry(
    request: Request, action: str, changes: Mapping[str, object], uid: str | None = None
) -> dict[str, Any]:
    """An item of a transaction. `uid` is whose record was changed, if it was somebody's."""
    attributes = {
        "pk": f"AUDIT#{uuid7()}",
        "sk": "META",
        "uid": uid,
        "actor": request.caller.uid,
        "action": action,
        "changes": msgspec.json.encode(changes).decode(),
        "request_id": request.request_id,
        "at": now(),
    }
    return {
        "Put": {
            "Item": {name: {"S": value} for name, value in attributes.items() if value is not None}
        }
    }


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
