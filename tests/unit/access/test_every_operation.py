"""Rules for every operation: no scans, an audit event in the same transaction, 503 on failures."""

import itertools
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from access import handler as access
from atrium.stores import contention, dynamodb
from tests.unit.access.conftest import ADMIN, Service
from tests.unit.access.requests import CHANGES, READS, SampleRequest, prepare
from tests.unit.conftest import TABLE, finish_reads, forget

EVERY = [*CHANGES, *READS]
of_each_change = pytest.mark.parametrize(
    "sample", CHANGES, ids=lambda sample: f"{sample.route} {sample.trail}"
)

KEYED = {"GetItem", "Query", "BatchGetItem"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}


@pytest.fixture
def stored_data(service: Service) -> Service:
    prepare(service)
    forget()
    return service


class Calls:
    """A record of DynamoDB calls. `failing` gets the number of each call and may raise."""

    def __init__(self) -> None:
        self.client = dynamodb.client()
        self.right = self.client._make_api_call
        self.made: list[tuple[str, dict[str, Any]]] = []
        self.lock = threading.Lock()
        self.failing: Callable[[int, str], None] = lambda number, operation: None

    def __call__(self, operation: str, parameters: dict[str, Any]) -> Any:
        with self.lock:  # some reads run in threads of their own
            self.made.append((operation, parameters))
            number = len(self.made) - 1
        self.failing(number, operation)
        return self.right(operation, parameters)


@pytest.fixture
def calls(stored_data: Service, monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(made.client, "_make_api_call", made)
    return made


def test_there_is_a_request_for_every_operation() -> None:
    routes = set(access.ROUTES) - {"GET /.well-known/authzen-configuration"}
    assert {sample.route for sample in EVERY} == routes
    changing = {
        route
        for route in routes
        if not route.startswith("GET ")
        and "/access/v1/" not in route
        and route != "POST /v1/decisions/explain"
    }
    assert {sample.route for sample in CHANGES} == changing


def test_reads_go_by_keys_and_never_scan(stored_data: Service, calls: Calls) -> None:
    for sample in READS:
        answer = sample.send(stored_data)
        assert answer.status == 200, f"{sample.route}: {answer.text}"
    assert {name for name, _ in calls.made} <= KEYED


@of_each_change
def test_a_change_and_its_audit_event_are_one_transaction(
    stored_data: Service, calls: Calls, sample: SampleRequest
) -> None:
    sent, before, trails = (
        [],
        _number(stored_data, sample),
        {item["pk"] for item in stored_data.items("AUDIT#")},
    )
    events = calls.client.meta.events
    keep = lambda params, **_: sent.append(json.loads(params["body"]))  # noqa: E731
    events.register("before-call.dynamodb.TransactWriteItems", keep)
    answer = sample.send(stored_data)
    events.unregister("before-call.dynamodb.TransactWriteItems", keep)
    assert answer.status < 300, answer.text
    assert [name for name, _ in calls.made if name in WRITES] == ["TransactWriteItems"]
    assert {name for name, _ in calls.made} <= {*KEYED, "TransactWriteItems"}
    [trail] = [item for item in stored_data.items("AUDIT#") if item["pk"] not in trails]
    assert (trail["action"], trail["actor"]) == (sample.trail, ADMIN)
    assert sent[0]["ClientRequestToken"], (
        "the SDK could not repeat it after a timeout without doing it twice"
    )
    if sample.rises:
        assert _number(stored_data, sample) == before + 1


def test_a_change_without_its_audit_event_is_not_written(
    stored_data: Service, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refuse the item of the audit event; nothing else may be written."""

    def refuse(number: int, operation: str) -> None:
        if operation == "TransactWriteItems":
            puts = [item["Put"] for item in calls.made[number][1]["TransactItems"] if "Put" in item]
            [trail] = [put for put in puts if put["Item"]["pk"]["S"].startswith("AUDIT#")]
            trail["ConditionExpression"] = "attribute_exists(pk)"

    monkeypatch.setattr(contention, "_ATTEMPTS", 2)
    calls.failing = refuse
    before = _everything(stored_data)
    for sample in CHANGES:
        answer = sample.send(stored_data)
        assert answer.status >= 400, f"{sample.route}: {answer.text}"
    assert _everything(stored_data) == before


def _canceled(*codes: str) -> ClientError:
    reasons = [{"Code": code} for code in codes]
    answer: Any = {
        "Error": {"Code": "TransactionCanceledException"},
        "CancellationReasons": reasons,
    }
    return ClientError(answer, "TransactWriteItems")


def _refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code}}, "any")


ENDPOINT = {"endpoint_url": "https://dynamodb.eu-central-1.amazonaws.com"}
FAULTS = (
    _refused("ProvisionedThroughputExceededException"),
    _refused("ThrottlingException"),
    ReadTimeoutError(**ENDPOINT),
    _refused("RequestLimitExceeded"),
    _refused("InternalServerError"),
    ConnectTimeoutError(**ENDPOINT),
    _refused("AccessDeniedException"),
    EndpointConnectionError(**ENDPOINT),
)
FAULTS_OF_TRANSACTIONS = (
    _canceled("None", "ThrottlingError"),
    _canceled("ConditionalCheckFailed", "ThrottlingError"),
    _canceled("ProvisionedThroughputExceeded"),
    _canceled("TransactionConflict", "ValidationError"),
    _canceled(),
    _refused("TransactionInProgressException"),
    *FAULTS[:3],
)


def test_a_failure_of_any_call_is_503_and_never_a_permit(
    stored_data: Service, calls: Calls
) -> None:
    """Fail each call of each operation in turn, with each reason that a transaction can have.

    The read of the caller's META is one of the calls.
    """
    before, turns = _everything(stored_data), itertools.cycle(FAULTS)
    for sample in EVERY:
        operations = _operations(calls, sample, stored_data)
        assert operations[0] == "GetItem", (
            f"{sample.route}: nobody asked whether the caller's token is stale"
        )
        for number, operation in enumerate(
            operations[:9]
        ):  # Only the first is needed: a list by end has one Query for each day.
            for fault in (
                FAULTS_OF_TRANSACTIONS if operation == "TransactWriteItems" else [next(turns)]
            ):
                _fail_at(calls, number, fault)
                answer = sample.send(stored_data)
                what = f"{sample.route}, call {number}, {operation}: {fault!r}: {answer.text}"
                assert (answer.status, answer.headers.get("retry-after")) == (503, "2"), what
                assert not {"decision", "results"} & set(answer.text.split('"')), what
    assert _everything(stored_data) == before


def _operations(calls: Calls, sample: SampleRequest, stored_data: Service) -> list[str]:
    """Return the calls that a new container makes. A change is stopped before it is written."""

    def stop(number: int, operation: str) -> None:
        if operation == "TransactWriteItems":
            raise _refused("ThrottlingException")

    finish_reads()
    forget()
    calls.made.clear()
    calls.failing = stop
    sample.send(stored_data)
    return [operation for operation, _ in calls.made]


def _fail_at(calls: Calls, number: int, fault: Exception) -> None:
    def fail(now: int, _: str) -> None:
        if now == number:
            raise fault

    finish_reads()
    forget()
    calls.made.clear()
    calls.failing = fail


def _number(stored_data: Service, sample: SampleRequest) -> int:
    if sample.rises is None:
        return 0
    pk, sk, name = sample.rises
    item = stored_data.item(pk, sk)
    return int(item[name]) if item else 0


def _everything(stored_data: Service) -> list[Any]:
    items = stored_data.table.scan(TableName=TABLE)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
