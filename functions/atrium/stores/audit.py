"""The audit trail: an item in the transaction of the change itself.

    AUDIT#<id>  META  {uid, actor, action, changes, request_id, at, expires_at}

Its first attributes are the columns of Postgres' `audit_events`, so a reader of the table's stream can
copy it there. `changes` names what was changed, without values of people, because the trail
outlives an erasure.
"""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from atrium.http.request import Request
from atrium.runtime import rfc3339
from atrium.runtime.uuid7 import uuid7
from atrium.stores.about import about

KEPT_SECONDS = 30 * 24 * 3600
"""Seconds until the table's TTL deletes the item.

Postgres has the event long before. The stream keeps it for a day only, so an event whose copy has
failed can be sent again for 29 more days.
"""


def entry(
    request: Request, action: str, changes: Mapping[str, object], uid: str | None = None
) -> dict[str, Any]:
    """Return an item of a transaction. `uid` is the user whose record was changed, if any."""
    return event(request.caller.uid, action, changes, uid, request.request_id)


def event(
    actor: str,
    action: str,
    changes: Mapping[str, object],
    uid: str | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    """Return an item of a transaction that no request has caused, e.g. an operator's."""
    attributes = {
        "pk": f"AUDIT#{uuid7()}",
        "sk": "META",
        "uid": uid,
        "actor": actor,
        "action": action,
        "changes": msgspec.json.encode(changes).decode(),
        "request_id": request_id,
        "at": rfc3339.now(),
    } | (about(uid) if uid else {})
    item = {name: {"S": value} for name, value in attributes.items() if value is not None}
    expires = {"expires_at": {"N": str(int(time.time()) + KEPT_SECONDS)}}
    return {"Put": {"Item": item | expires}}
