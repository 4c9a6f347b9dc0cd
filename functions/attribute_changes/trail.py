"""The copy of the table's audit events: each item `AUDIT#<id>` becomes a row of `audit_events`."""

from typing import Any
from uuid import UUID

import msgspec

from atrium.stores import postgres
from attribute_changes import queries

PREFIX = "AUDIT#"


def record(item: dict[str, Any]) -> None:
    """Add the event to the trail, unless it exists."""
    postgres.query(
        queries.ADD_EVENT,
        event=UUID(item["pk"].removeprefix(PREFIX)),
        uid=item.get("uid"),
        actor=item["actor"],
        action=item["action"],
        changes=msgspec.json.decode(item["changes"]),
        request_id=item.get("request_id"),
        at=item["at"],
    )
