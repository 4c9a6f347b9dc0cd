"""What holds for every operation: it never scans, a change leaves its trail in its own transaction, and a table that fails is
503 and never a permit."""

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
from tests.unit.access.requests import CHANGES, READS, Asked, prepare
from tests.unit.conftest import TABLE, finish_reads, forget

EVERY = [*CHANGES, *READS]
of_each_change = pytest.mark.parametrize(
    "asked", CHANGES, ids=lambda asked: f"{asked.route} {asked.trail}"
)

KEYED = {"GetItem", "Query", "BatchGetItem"}
WRITES = {"PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems"}


@pytest.fixture
def world(service: Service) -> Service:
    prepare(service)
    forget()
    return service


class Calls:
    """DynamoDB's operations as they are called; `failing` may raise instead, by the number of the call."""

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
def calls(world: Service, monkeypatch: pytest.MonkeyPatch) -> Calls:
    made = Calls()
    monkeypatch.setattr(made.client, "_make_api_call", made)
    return made


def test_there_is_a_request_for_every_operation() -> None:
    routes = set(access.ROUTES) - {"GET /.well-known/authzen-configuration"}
    assert {asked.route for asked in EVERY} == routes
    changing = {
        route
        for route in routes
        if not route.startswith("GET ")
        and "/access/v1/" not in route
        and route != "POST /v1/decisions/explain"
    }
    assert {asked.route for asked in CHANGES} == changing


def test_reads_go_by_keys_and_never_scan(world: Service, calls: Calls) -> None:
    for asked in READS:
        answer = asked.by(world)
        assert answer.status == 200, f"{asked.route}: {answer.text}"
    assert {name for name, _ in calls.made} <= KEYED


@of_each_change
def test_a_change_is_one_transaction_with_its_trail(
    world: Service, calls: Calls, asked: Asked
) -> None:
    sent, before, trails = [], _number(world, asked), {item["pk"] for item in world.items("AUDIT#")}
    events = calls.client.meta.events
    keep = lambda params, **_: sent.append(json.loads(params["body"]))  # noqa: E731
    events.register("before-call.dynamodb.TransactWriteItems", keep)
    answer = asked.by(world)
    events.unregister("before-call.dynamodb.TransactWriteItems", keep)
    assert answer.status < 300, answer.text
    assert [name for name, _ in calls.made if name in WRITES] == ["TransactWriteItems"]
    assert {name for name, _ in calls.made} <= {*KEYED, "TransactWriteItems"}
    [trail] = [item for item in world.items("AUDIT#") if item["pk"] not in trails]
    assert (trail["action"], trail["actor"]) == (asked.trail, ADMIN)
    assert sent[0]["ClientRequestToken"], (
        "the SDK could not repeat it after a timeout without doing it twice"
    )
    if asked.rises:
        assert _number(world, asked) == before + 1


def test_a_change_without_its_audit_event_is_not_written(
    world: Service, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trail's item is refused, and nothing else is written."""

    def refuse(number: int, operation: str) -> None:
        if operation == "TransactWriteItems":
            puts = [item["Put"] for item in calls.made[number][1]["TransactItems"] if "Put" in item]
            [trail] = [put for put in puts if put["Item"]["pk"]["S"].startswith("AUDIT#")]
            trail["ConditionExpression"] = "attribute_exists(pk)"

    monkeypatch.setattr(contention, "_ATTEMPTS", 2)
    calls.failing = refuse
    before = _everything(world)
    for asked in CHANGES:
        answer = asked.by(world)
        assert answer.status >= 400, f"{asked.route}: {answer.text}"
    assert _everything(world) == before


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


def test_whichever_call_fails_it_is_503_and_never_a_permit(world: Service, calls: Calls) -> None:
    """Each call of each operation in turn, the caller's META among them; a transaction in every way that it can fail."""
    before, turns = _everything(world), itertools.cycle(FAULTS)
    for asked in EVERY:
        operations = _operations(calls, asked, world)
        assert operations[0] == "GetItem", (
            f"{asked.route}: nobody asked whether the caller's token is stale"
        )
        for number, operation in enumerate(
            operations[:9]
        ):  # a list of what ends has a Query for each day: all alike
            for fault in (
                FAULTS_OF_TRANSACTIONS if operation == "TransactWriteItems" else [next(turns)]
            ):
                _fail_at(calls, number, fault)
                answer = asked.by(world)
                what = f"{asked.route}, call {number}, {operation}: {fault!r}: {answer.text}"
                assert (answer.status, answer.headers.get("retry-after")) == (503, "2"), what
                assert not {"decision", "results"} & set(answer.text.split('"')), what
    assert _everything(world) == before


def _operations(calls: Calls, asked: Asked, world: Service) -> list[str]:
    """What it calls in a container that has just started. A change is kept from happening."""

    def stop(number: int, operation: str) -> None:
        if operation == "TransactWriteItems":
            raise _refused("ThrottlingException")

    finish_reads()
    forget()
    calls.made.clear()
    calls.failing = stop
    asked.by(world)
    return [operation for operation, _ in calls.made]


def _fail_at(calls: Calls, number: int, fault: Exception) -> None:
    def fail(now: int, _: str) -> None:
        if now == number:
            raise fault

    finish_reads()
    forget()
    calls.made.clear()
    calls.failing = fail


def _number(world: Service, asked: Asked) -> int:
    if asked.rises is None:
        return 0
    pk, sk, name = asked.rises
    item = world.item(pk, sk)
    return int(item[name]) if item else 0


def _everything(world: Service) -> list[Any]:
    items = world.table.scan(TableName=TABLE)["Items"]
    return sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
