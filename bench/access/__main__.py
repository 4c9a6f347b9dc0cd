"""The cost of one evaluation: `python -m bench.access` prints it, `--write` keeps it in results.md.

Calls, items and bytes are counted on moto's table through the service's own handler. The time is
processor time of the handler and the SDK, which gets recorded bytes instead of using the network.
DynamoDB's own time is not measured, since a local table would not show it.
"""

import argparse
import copy
import gc
import json
import math
import os
import platform
import statistics
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from botocore.awsrequest import AWSResponse
from moto import mock_aws
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.md")
TABLE = "bench-UserAttributes"
READ_UNIT = 4096  # bytes of a read unit, strongly consistent
REPEATS, ROUNDS = 50, 7

os.environ |= {
    "ATRIUM_SERVICE": "access",
    "ATRIUM_STAGE": "bench",
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "USER_ATTRIBUTES_TABLE": TABLE,
}
os.environ.pop("AWS_ENDPOINT_URL", None)
sys.path.insert(0, str(ROOT / "functions"))

from atrium.identity import (  # noqa: E402
    decision,
    grant_items,
    legacy_grants,
    namespaces,
    permissions,
    subject_grants,
)
from atrium.identity.grant_items import GrantRecord  # noqa: E402
from atrium.stores import dynamodb  # noqa: E402
from atrium.stores.user_table import RoleDefinition  # noqa: E402


@dataclass
class Cost:
    users: str
    grants: str
    condition: str
    calls: int
    items: int
    bytes: int
    read_units: int
    microseconds: float


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    wanted = parser.parse_args()
    gc.disable()  # each collection would visit the millions of objects of moto's memory
    with mock_aws():
        rows = list(_costs())
    text = _table(rows)
    print(text)
    if wanted.write:
        RESULTS.write_text(text)


OWNER_AND_AMOUNT = {
    "and": [
        {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]},
        {"<=": [{"var": "resource.amount"}, 500]},
    ]
}
DEPARTMENT = {"==": [{"var": "resource.department"}, {"var": "subject.attributes.work.department"}]}
CONDITIONS = {
    "no condition": None,
    "owner and amount": OWNER_AND_AMOUNT,
    "a stored attribute": DEPARTMENT,
}


def _costs() -> Iterator[Cost]:
    for users, counts in ((10, (10, 1_000, 100_000)), (1_000_000, (10, 100_000))):
        with _table_of(users):
            uid, made = _user(users // 2), 0
            _attribute(uid)
            for place, condition in enumerate(CONDITIONS.values()):
                _grant(uid, f"document:asked{place}", condition)
            for count in counts:
                for number in range(made, count - len(CONDITIONS)):
                    _grant(uid, f"document:{number}")
                made = count - len(CONDITIONS)
                for place, name in enumerate(CONDITIONS):
                    yield _measure(f"{users:,}", f"{count:,}", name, uid, f"asked{place}")


def _measure(users: str, grants: str, condition: str, uid: str, id: str) -> Cost:
    asked: list[tuple[str, dict[str, Any]]] = []
    answers: dict[Any, bytes] = {}
    sent = threading.local()  # a request and its answer are handled in the same thread

    def note(request: Any, **_: object) -> None:
        sent.key = (request.headers["X-Amz-Target"], request.body)
        asked.append((request.headers["X-Amz-Target"].decode(), json.loads(request.body)))

    def record(response_dict: dict[str, Any], **_: object) -> None:
        answers[sent.key] = response_dict["body"]

    events = dynamodb.client().meta.events
    events.register_first("before-send.dynamodb", note)
    events.register("before-parse.dynamodb", record)
    assert _evaluate(uid, id)
    events.unregister("before-send.dynamodb", note)
    events.unregister("before-parse.dynamodb", record)
    sizes = [_read_bytes(*each) for each in asked]
    with _replayed(answers):
        spent = statistics.median(_round(uid, id) for _ in range(ROUNDS))
    units = sum(max(1, math.ceil(of_call / READ_UNIT)) for _, of_call in sizes)
    return Cost(
        users,
        grants,
        condition,
        len(asked),
        sum(count for count, _ in sizes),
        sum(of_call for _, of_call in sizes),
        units,
        spent,
    )


def _round(uid: str, id: str) -> float:
    started = time.process_time()
    for _ in range(REPEATS):
        _evaluate(uid, id)
    return (time.process_time() - started) / REPEATS * 1e6


def _evaluate(uid: str, id: str) -> bool:
    """Decide as the route does, without the gateway's event."""
    resource = decision.Resource("document", id)
    facts = {
        "subject": {"type": "user", "id": uid},
        "resource": {"owner": uid, "amount": 400, "department": "law"},
    }
    subject = subject_grants.find(uid, resource)
    return decision.decide(subject, "read", resource, permissions.cached, time.time(), facts).permit


@contextmanager
def _replayed(answers: Mapping[Any, bytes]) -> Iterator[None]:
    """Return the same answers every time, in place of the network."""

    def send(request: Any, **_: object) -> AWSResponse:
        body = answers[request.headers["X-Amz-Target"], request.body]
        headers: Any = {
            "content-type": "application/x-amz-json-1.0",
            "content-length": str(len(body)),
        }
        return AWSResponse(request.url, 200, headers, _Raw(body))

    events = dynamodb.client().meta.events
    events.register("before-send.dynamodb", send)
    botocore_stubber.enabled = False  # moto handles the event before this handler
    yield
    botocore_stubber.enabled = True
    events.unregister("before-send.dynamodb", send)


class _Raw(BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.getvalue()


@contextmanager
def _table_of(users: int) -> Iterator[None]:
    client = dynamodb.client()
    names = [f"{index}{key}" for index in ("", "gsi1", "gsi2") for key in ("pk", "sk")]
    client.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names[:2]],
        BillingMode="PAY_PER_REQUEST",
    )
    legacy_grants.cache[legacy_grants.STATE] = ((math.inf, math.inf), "keyed")
    permissions.cache["reader"] = (
        (math.inf, math.inf),
        RoleDefinition(frozenset({"document.read"}), frozenset(), 1),
    )
    work = namespaces.Namespace("work", "", {}, "self", "nobody", False, True, 1)
    namespaces.cache[namespaces.PK] = ((math.inf, math.inf), {"work": work})
    _fill(users)
    yield
    client.delete_table(TableName=TABLE)


def _fill(users: int) -> None:
    """Fill moto's memory directly, because a million calls of PutItem would take half an hour.

    Each user has a partition of its own.
    """
    items = _items()
    shared = {"sk": "META", "status": "active", "created_at": "2026-01-01T00:00:00.000Z"}
    numbers = {"access_epoch": "1", "version": "1"}
    attributes = {name: {"S": value} for name, value in shared.items()} | {
        n: {"N": v} for n, v in numbers.items()
    }
    range_key, made = (
        DynamoType({"S": "META"}),
        Item(DynamoType({"S": ""}), DynamoType({"S": "META"}), attributes),
    )
    for number in range(users):
        pk = DynamoType({"S": f"U#{_user(number)}"})
        item = copy.copy(made)
        item.hash_key, item.attrs = pk, copy.copy(made.attrs)
        item.attrs["pk"] = pk
        items[pk][range_key] = item


def _user(number: int) -> str:
    return str(uuid.UUID(int=number))


def _attribute(uid: str) -> None:
    item = grant_items.texts(
        {"pk": f"U#{uid}", "sk": "ATTR#work#department", "value": '"law"', "encoding": "json"}
    )
    pk, sk = DynamoType(item["pk"]), DynamoType(item["sk"])
    _items()[pk][sk] = Item(pk, sk, item)


def _grant(uid: str, scope: str, condition: Any = None) -> None:
    """Put the grant into moto's memory directly, without its other items, which no decision reads."""
    record = GrantRecord(
        id=str(uuid.uuid4()),
        uid=uid,
        role="reader",
        action=None,
        scope=scope,
        reason="For the bench",
        granted_by=uid,
        granted_at="2026-01-01T00:00:00.000Z",
        expires_at=None,
        condition=None if condition is None else json.dumps(condition, separators=(",", ":")),
    )
    item = grant_items.items(record)[0]
    pk, sk = DynamoType(item["pk"]), DynamoType(item["sk"])
    _items()[pk][sk] = Item(pk, sk, item)


def _items() -> Any:
    return dynamodb_backends[DEFAULT_ACCOUNT_ID][os.environ["AWS_REGION"]].tables[TABLE].items


def _read_bytes(target: str, parameters: dict[str, Any]) -> tuple[int, int]:
    """Return how many items a call reads, and their bytes as AWS counts them: names and values in UTF-8.

    A projection does not reduce them.
    """
    if target.endswith("GetItem"):
        found = [dynamodb.client().get_item(**parameters)["Item"]]
    else:
        names = {
            name: value
            for name, value in parameters["ExpressionAttributeNames"].items()
            if name in ("#pk", "#sk")
        }
        whole = {key: value for key, value in parameters.items() if key != "ProjectionExpression"}
        found = dynamodb.client().query(**whole | {"ExpressionAttributeNames": names})["Items"]
    return len(found), sum(
        len(name) + len(str(next(iter(value.values()))).encode())
        for item in found
        for name, value in item.items()
    )


def _table(rows: list[Cost]) -> str:
    header = ["users", "the user's grants", "condition"]
    header += ["calls", "items", "bytes", "read units", "CPU µs"]
    cells = [[*[*vars(row).values()][:-1], f"{row.microseconds:.0f}"] for row in rows]
    lines = [header, ["---"] * len(header), *([str(cell) for cell in line] for line in cells)]
    machine = f"{platform.machine()}, CPython {platform.python_version()}, {os.cpu_count()} cores"
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + f"\n\n{machine}\n"


if __name__ == "__main__":
    main()
