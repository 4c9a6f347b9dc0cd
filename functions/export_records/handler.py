"""The Lambda handler that returns a user's rows, and writes the export into the audit trail.

The event is `{"uid": …, "actor": …, "request_id": …}`, the response table → rows; empty for an
unknown user.
"""

from typing import Any

from export_records import rows


def handler(event: dict[str, str], _context: object = None) -> dict[str, list[dict[str, Any]]]:
    return rows.export(event["uid"], event["actor"], event["request_id"])
