"""Idempotent creation in the table, through a route, on moto's DynamoDB."""

import json
import time
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from atrium.http import response
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.runtime.uuid7 import uuid7
from atrium.stores import dynamodb, idempotency_in_table, user_table
from atrium.stores.idempotency_in_table import WorkRefusedError
from tests.unit.conftest import TABLE, Logs
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.service import SELF, service
from tools.laptop.answer import Answer

OTHER = "01890a5d-ac96-774b-bcce-b302099a8058"
ROUTE = "POST /v1/grants"


def grant(request: Request) -> Response:
    role = json.loads(request.body)["role"]
    item = {"pk": {"S": "GRANTED"}, "sk": {"S": role}}
    put = {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
    try:
        made = idempotency_in_table.once(request, [put], {"id": uuid7(), "role": role})
    except WorkRefusedError as refused:
        raise Problem(409, "held_already", f"{sorted(refused.items)}") from None
    return response.json(made.row, 201, headers=made.headers)


handler = service({ROUTE: grant}, {ROUTE: SELF})


@pytest.fixture(autouse=True)
def items(table: Any) -> Any:
    for uid in (UID, OTHER):
        user_table.create_meta(uid)
    return table


def post(role: str = "editor", key: str | None = "k-1", uid: str = UID) -> Answer:
    headers = {} if key is None else {"Idempotency-Key": key}
    return answer(
        handler(
            api_event(ROUTE, json.dumps({"role": role}), headers, token=claims(uid=uid)), Context()
        )
    )


def count(items: Any) -> int:
    """Return how many items requests have written."""
    found = [item for item in items.scan(TableName=TABLE)["Items"] if item["pk"]["S"] != "G#"]
    return sum(item["sk"]["S"] != "META" for item in found)


def test_a_repeated_request_gets_the_same_bytes_and_makes_nothing(items: Any, logs: Logs) -> None:
    first, again = post(), post()
    assert (first.status, again.status, count(items)) == (201, 201, 2)
    assert again.text == first.text
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (
        False,
        "true",
    )
    assert [line["dynamodb_calls"] for line in logs.lines()] == [2, 3]


def test_the_record_has_the_documented_attributes(items: Any) -> None:
    post()
    record = dynamodb.plain(
        items.get_item(
            TableName=TABLE,
            Key={"pk": {"S": f"IDEMPOTENCY#{UID}"}, "sk": {"S": "POST /v1/grants#k-1"}},
        )["Item"]
    )
    assert record.keys() == {"pk", "sk", "fingerprint", "result", "expires_at"}
    assert 86300 < record["expires_at"] - time.time() <= 86400


def test_without_a_key_nothing_is_created(items: Any) -> None:
    assert (post(key=None).status, post(key=None).json["code"], count(items)) == (
        400,
        "idempotency_key_missing",
        0,
    )


def test_another_body_under_the_same_key_is_422(items: Any) -> None:
    post()
    assert (post("admin").status, post("admin").json["code"]) == (422, "idempotency_key_reused")
    assert post("admin", uid=OTHER).status == 201


def test_a_failed_condition_of_the_operation_leaves_the_key_free(items: Any) -> None:
    post()
    refused = post(key="k-2")
    assert (refused.status, refused.json["code"], refused.json["detail"]) == (
        409,
        "held_already",
        "[0]",
    )
    assert post("admin", key="k-2").status == 201


def test_an_expired_record_is_ignored(items: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    post()
    later = SimpleNamespace(time=lambda: time.time() + 86401)
    monkeypatch.setattr(idempotency_in_table, "time", later)
    assert post("admin").status == 201


def cancelled(monkeypatch: pytest.MonkeyPatch, *codes: str) -> None:
    """Return the error that AWS gives for a conflict; moto runs one transaction at a time."""

    def refuse(**_: Any) -> None:
        reasons = [{"Code": code} for code in codes]
        error: Any = {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": reasons,
        }
        raise ClientError(error, "TransactWriteItems")

    monkeypatch.setattr(dynamodb.client(), "transact_write_items", refuse)


@pytest.mark.parametrize(
    ("codes", "status", "code"),
    [
        (("TransactionConflict", "None"), 409, "idempotency_in_flight"),
        (("None", "TransactionConflict"), 503, "unavailable"),
        (("None", "ThrottlingError"), 503, "unavailable"),
        (("ConditionalCheckFailed", "None"), 409, "idempotency_in_flight"),
    ],
)
def test_a_concurrent_request_may_be_repeated(
    monkeypatch: pytest.MonkeyPatch, codes: tuple[str, ...], status: int, code: str
) -> None:
    cancelled(monkeypatch, *codes)
    refused = post()
    assert (refused.status, refused.json["code"]) == (status, code)
    assert "retry-after" in refused.headers
