"""The service `access` on moto's table, called with API Gateway events."""

import itertools
import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from access import handler as access
from atrium.identity import legacy_grants
from atrium.identity.grant_items import GrantRecord, items, rfc3339
from atrium.runtime import clock as memory
from atrium.stores import contention, dynamodb
from migrate import signing_keys as making
from tests.unit.concurrent_writers import Crowd
from tests.unit.conftest import TABLE
from tests.unit.events import Context, answer, api_event, claims
from tools.laptop.answer import Answer

ADMIN = "01890a5d-ac96-774b-bcce-000000000001"
ADA = "01890a5d-ac96-774b-bcce-00000000000a"
BOB = "01890a5d-ac96-774b-bcce-00000000000b"
EVE = "01890a5d-ac96-774b-bcce-00000000000e"

_numbers = itertools.count()


class Service:
    """The service as its callers see it, with direct access to its table.

    Each caller's token has the access epoch that META holds.
    """

    def __init__(self, table: Any) -> None:
        self.table = table
        self.grants: dict[str, str] = {}

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        uid: str = ADMIN,
        roles: str | None = None,
        epoch: int | None = None,
        query: Mapping[str, str] | None = None,
        token: Mapping[str, str] | None = None,
        **headers: str,
    ) -> Answer:
        """Call the operation that API Gateway would choose for `path`. `token` adds claims."""
        resource, variables = _route(method, path)
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
        asked = {name: [value] for name, value in (query or {}).items()} or None
        held = roles if roles is not None else ("admin" if uid == ADMIN else "")
        told = {"access_epoch": str(epoch or self.epoch(uid)), **(token or {})}
        sent_token = claims(uid=uid, roles=held, **told)
        content = None if body is None else body if isinstance(body, str) else json.dumps(body)
        event = api_event(f"{method} {resource}", content, sent, token=sent_token, query=asked)
        event["pathParameters"] = variables or None
        event["path"] = path
        event["requestContext"]["path"] = path
        return answer(access.handler(event, Context()))

    def post(self, path: str, body: Any, **more: Any) -> Answer:
        return self.ask("POST", path, body, Idempotency_Key=str(next(_numbers)), **more)

    def new_user(self, uid: str, status: str = "active") -> None:
        self.put(
            pk=f"U#{uid}",
            sk="META",
            status=status,
            access_epoch=1,
            version=1,
            created_at="2026-01-01T00:00:00Z",
        )

    def new_role(self, role: str, *held: str, parents: list[str] | None = None) -> None:
        self.put(
            pk=f"R#{role}", sk="META", version=1, parents=parents or [], gsi1pk="ROLES", gsi1sk=role
        )
        for permission in held:
            self.put(pk=f"R#{role}", sk=f"PERM#{permission}", permission=permission)

    def grant(self, uid: str, scope: str = "*", **what: Any) -> str:
        """Write a grant directly into the table."""
        grant, end = str(uuid.uuid4()), what.pop("expires_at", None)
        names: dict[str, Any] = {
            "role": None,
            "action": None,
            "reason": None,
            "expires_at": end and rfc3339(end),
        } | what
        for item in items(
            GrantRecord(grant, uid, scope=scope, granted_by="test", granted_at="then", **names)
        ):
            self.table.put_item(TableName=TABLE, Item=item)
        return grant

    def set_layout(self, layout: legacy_grants.Layout) -> None:
        """Record how far the migration of the grants' layout is."""
        pk, sk = legacy_grants.STATE
        self.put(pk=pk, sk=sk, layout=layout)
        legacy_grants.cache.clear()

    def put(self, **attributes: Any) -> None:
        self.table.put_item(TableName=TABLE, Item=self.typed(attributes))

    def put_all(self, items: Sequence[Mapping[str, Any]]) -> None:
        self.write([{"PutRequest": {"Item": self.typed(item)}} for item in items])

    def write(self, requests: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(requests), 25):  # BatchWriteItem's own limit
            self.table.batch_write_item(RequestItems={TABLE: requests[start : start + 25]})

    @staticmethod
    def typed(item: Mapping[str, Any]) -> dict[str, Any]:
        return {name: _typed(value) for name, value in item.items()}

    def item(self, pk: str, sk: str) -> dict[str, Any] | None:
        found = self.table.get_item(TableName=TABLE, Key={"pk": {"S": pk}, "sk": {"S": sk}}).get(
            "Item"
        )
        return dynamodb.plain(found) if found else None

    def items(self, prefix: str) -> list[dict[str, Any]]:
        """Return all items of the table whose partition key begins with `prefix`."""
        pages = self.table.get_paginator("scan").paginate(TableName=TABLE)
        found = [dynamodb.plain(item) for page in pages for item in page["Items"]]
        return [item for item in found if item["pk"].startswith(prefix)]

    def delete(self, *prefixes: str) -> None:
        """Delete all items whose partition key begins with a prefix, but keep the administrator's."""
        found = [
            item for prefix in prefixes for item in self.items(prefix) if item["pk"] != f"U#{ADMIN}"
        ]
        for item in found:
            self.table.delete_item(
                TableName=TABLE, Key={"pk": {"S": item["pk"]}, "sk": {"S": item["sk"]}}
            )

    def epoch(self, uid: str) -> int:
        meta = self.item(f"U#{uid}", "META")
        return int(meta["access_epoch"]) if meta else 1


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case list():
            return {"L": [_typed(each) for each in value]}
        case _:
            return {"S": value}


def _route(method: str, path: str) -> tuple[str, dict[str, str]]:
    """Return the route that fits with the fewest path parameters."""
    parts, found = path.split("/"), []
    for route in access.ROUTES:
        known, _, resource = route.partition(" ")
        names = resource.split("/")
        pairs = list(zip(names, parts, strict=False))
        if (
            known == method
            and len(names) == len(parts)
            and all(a == b or a.startswith("{") for a, b in pairs)
        ):
            found.append((resource, {a[1:-1]: b for a, b in pairs if a.startswith("{")}))
    return min(found, key=lambda each: len(each[1]))


@pytest.fixture
def service(table: Any) -> Service:
    made = Service(table)
    made.new_user(ADMIN)
    made.grant(ADMIN, role="admin")
    making.make(rotate=False)
    return made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Return a function that moves the clock of the caches forward by some seconds."""
    passed = 0.0
    fake = SimpleNamespace(monotonic=lambda: time.monotonic() + passed, time=time.time)
    monkeypatch.setattr(memory, "time", fake)

    def sleep(seconds: float) -> None:
        nonlocal passed
        passed += seconds

    return sleep


@pytest.fixture
def patient_crowd(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    """Retry transaction conflicts without a limit, however slow the machine is."""
    monkeypatch.setattr(contention, "LAST_REPEAT", 600)
    return crowd
