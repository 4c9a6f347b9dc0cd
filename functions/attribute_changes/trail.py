"""Changes of the table in the audit trail: each item `AUDIT#<id>` becomes one row of `audit_events`."""

from typing import Any
from uuid import UUID

import msgspec

from atrium.stores import postgres

PREFIX = "AUDIT#"

# A repeated record finds its row. Two at once: the second waits for the chain, and the primary key
# rejects it; the stream repeats it.
_RECORD = """
INSERT INTO audit_events (id, uid, actor, action, changes, request_id, at)
SELECT $1::uuid, $2::uuid, $3::text, $4::text, $5::jsonb, $6::text, $7::timestamptz
WHERE NOT EXISTS (SELECT FROM audit_events WHERE id = $1::uuid)
"""


def record(item: dict[str, Any]) -> None:
    """Add the event to the trail, unless it is there."""
    postgres.query(
        _RECORD,
        UUID(item["pk"].removeprefix(PREFIX)),
        item.get("uid"),
        item["actor"],
        item["action"],
        msgspec.json.decode(item["changes"]),
        item["request_id"],
        item["at"],
    )
