"""The export of a user's rows, items and accounts, as personal_data.json declares them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import personal_items
from exports import accounts, records

MAX_BYTES = 5_500_000
"""A function's response is limited to 6 MB, of which JSON's escaping of the text needs a part."""

Rows = dict[str, list[dict[str, Any]]]


class Export(msgspec.Struct):
    """The document. Its parts hold records by table, by kind of item and by part of an account."""

    uid: str
    exported_at: datetime
    postgres: Rows
    user_attributes: Rows
    cognito: Rows


def read_own(request: Request) -> Response:
    return _answer(request, request.caller.uid)


def read(request: Request) -> Response:
    return _answer(request, str(request.uuid("id")))


def _answer(request: Request, uid: str) -> Response:
    rows = records.rows(uid, request.caller.uid, request.request_id)
    if not rows:
        raise Problem(
            404, "user_not_found", "The user does not exist, or you do not have access to it."
        )
    operations = [row["id"] for row in rows["operations"]]
    found = personal_items.exported(personal_items.find(uid, operations))
    answer = response.json(
        Export(uid, datetime.now(UTC), rows, found, accounts.of(rows["identities"]))
    )
    if len(answer.body) > MAX_BYTES:
        raise Problem(
            409,
            "export_too_large",
            f"The document is larger than {MAX_BYTES} bytes. Ask the operator for an export.",
        )
    return answer
