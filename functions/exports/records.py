"""The invocation of `export_records`, which reads Postgres inside the VPC."""

import json
from typing import Any

from atrium.runtime.config import required
from exports import aws


class RecordsUnreadableError(Exception):
    """`export_records` failed. Its log has the reason."""


def rows(uid: str, actor: str, request_id: str) -> dict[str, list[dict[str, Any]]]:
    """Return table → rows; empty for an unknown user."""
    event = {"uid": uid, "actor": actor, "request_id": request_id}
    answer = aws.client("lambda").invoke(
        FunctionName=required("EXPORT_RECORDS_FUNCTION"), Payload=json.dumps(event).encode()
    )
    if "FunctionError" in answer:
        raise RecordsUnreadableError(f"Request {request_id}: export_records failed.")
    found: dict[str, list[dict[str, Any]]] = json.loads(answer["Payload"].read())
    return found
