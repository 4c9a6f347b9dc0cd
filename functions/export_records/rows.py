"""The rows of a user in every table that declares personal data, in one round trip."""

from typing import Any

from atrium.identity import personal_data
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from atrium.stores.postgres import Statement
from export_records import queries


def export(uid: str, actor: str, request_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows by table; an empty dict for an unknown user.

    They include the audit event of this export.
    """
    audit = Statement(
        queries.ADD_EVENT, {"event": uuid7(), "uid": uid, "actor": actor, "request_id": request_id}
    )
    audited, *found = postgres.batch(audit, *personal_data.select_rows(uid))
    if not audited:
        return {}
    tables = [table.table for table in personal_data.registry().tables]
    return {table: [row for (row,) in rows] for table, rows in zip(tables, found, strict=True)}
