"""Races of deletions with writes about the same role or user: both read before either writes.

`make test` runs a few trials, `make proof-security` 1,000 of each race.
"""

import itertools
import os
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pg8000.native
import pytest

from atrium.identity import admins
from atrium.stores import contention, dynamodb, user_table
from tests.security.attacks import NAMESPACE
from tests.security.trials import ADMIN
from tests.support.kept_connections import empty
from tests.unit.access.conftest import Service
from tests.unit.concurrent_writers import Crowd
from tests.unit.conftest import TABLE, TABLES, forget
from tests.unit.events import Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler as users

COUNT = int(os.environ.get("TRIALS_PER_KIND", "6"))
DOCUMENT = {"type": "document", "id": "7"}
ANY: dict[str, Any] = {"If_Match": "*"}
NEW: dict[str, Any] = {"If_None_Match": "*"}

pytestmark = pytest.mark.trials


@dataclass
class Race:
    """Concurrent calls to one service, and the order in which their transactions committed."""

    service: Service
    database: pg8000.native.Connection
    crowd: Crowd
    committed: list[str] = field(default_factory=list)

    def run(self, *calls: Callable[[], Answer]) -> list[Answer]:
        self.committed.clear()
        return self.crowd.at_once(calls)

    def put_role(self, role: str, *held: str) -> Answer:
        body = {"description": role, "permissions": list(held)}
        return self.service.ask("PUT", f"/v1/roles/{role}", body, **NEW)

    def delete_role(self, role: str) -> Answer:
        return self.service.ask("DELETE", f"/v1/roles/{role}", **ANY)

    def grant(self, uid: str, role: str, scope: str = "*") -> Answer:
        return self.service.post(f"/v1/users/{uid}/grants", {"role": role, "scope": scope})

    def is_permitted(self, uid: str) -> bool:
        """Return True if a new container permits it."""
        forget()
        question = {
            "subject": {"type": "user", "id": uid},
            "action": {"name": "read"},
            "resource": DOCUMENT,
        }
        decided = self.service.ask("POST", "/access/v1/evaluation", question)
        assert decided.status == 200, decided.text
        return bool(decided.json["decision"])

    def set_status(self, uid: str, status: str) -> Answer:
        route = "DELETE /v1/users/{id}" if status == "deleted" else "PUT /v1/users/{id}/status"
        body = None if status == "deleted" else f'{{"status": "{status}"}}'
        headers = {"If-Match": "*", "Content-Type": "application/json"}
        event = api_event(route, body, headers, claims(uid=ADMIN, roles="admin"))
        return answer(users(event | {"pathParameters": {"id": uid}}, Context()))

    def clear(self) -> None:
        """Delete all items, because moto copies the whole table for each transaction."""
        items = self.service.table.scan(TableName=TABLE, ProjectionExpression="pk, sk")["Items"]
        self.service.write([{"DeleteRequest": {"Key": item}} for item in items])
        empty(self.database, *TABLES)
        self.service.new_user(ADMIN)
        self.service.set_layout("keyed")
        self.service.grant(ADMIN, role="admin")
        user_table.transact([admins.joining(ADMIN)])
        forget()


@pytest.fixture
def race(table: Any, database: pg8000.native.Connection, monkeypatch: pytest.MonkeyPatch) -> Race:
    monkeypatch.setattr(contention, "LAST_REPEAT", 600)
    crowd = Crowd()
    made, call = Race(Service(table), database, crowd), crowd.call

    def record(operation: str, parameters: dict[str, Any]) -> Any:
        """Record a transaction while no other call runs."""
        answered = call(operation, parameters)
        if operation == "TransactWriteItems":
            made.committed += [name for name in map(_action, parameters["TransactItems"]) if name]
        return answered

    monkeypatch.setattr(crowd, "call", record)
    monkeypatch.setattr(dynamodb.client(), "_make_api_call", crowd.make_api_call)
    return made


def _action(item: dict[str, Any]) -> str | None:
    """Return the meaning of a transaction's item: the action of its audit event, or the status that
    it sets.
    """
    [(_, fields)] = item.items()
    if "action" in fields.get("Item", ()):
        return str(fields["Item"]["action"]["S"])
    values = fields.get("ExpressionAttributeValues", {})
    return (
        str(values[":status"]["S"]) if "SET #status" in fields.get("UpdateExpression", "") else None
    )


def test_no_grant_of_a_deleted_role_applies_to_its_namesake(race: Race) -> None:
    """Check the race: the deletion reads the role's holders from an index that does not have the
    new grant yet.
    """
    outcomes = Counter[tuple[int, ...]]()
    for number in range(COUNT):
        race.clear()
        uid, scope = str(uuid.uuid4()), ("*", "document:7", "document:*")[number % 3]
        race.service.new_user(uid)
        assert race.put_role("reader", "document.read").status == 201
        statuses = tuple(
            each.status
            for each in race.run(
                partial(race.grant, uid, "reader", scope), partial(race.delete_role, "reader")
            )
        )
        outcomes[statuses] += 1
        assert statuses in {(201, 204), (422, 204)}
        assert not race.is_permitted(uid)
        assert race.put_role("reader", "document.read").status == 201
        assert not race.is_permitted(uid), f"trial {number}: the grant came back"
        assert race.grant(uid, "reader", scope).status == 201
        assert race.is_permitted(uid)
    _tell(outcomes)


def test_a_role_deleted_while_it_is_granted_is_not_granted_afterwards(race: Race) -> None:
    """Check the grant's own condition: it is 422 and leaves nothing if the role is gone."""
    race.clear()
    uid = str(uuid.uuid4())
    race.service.new_user(uid)
    race.put_role("reader", "document.read")
    for _ in range(COUNT):
        granted, _ = race.run(
            partial(race.grant, uid, "reader"), partial(race.delete_role, "reader")
        )
        if granted.status == 201:
            assert race.committed == ["role.granted", "role.deleted"]
            assert (
                race.service.ask(
                    "DELETE", granted.headers["location"].removeprefix("/dev"), **ANY
                ).status
                == 204
            )
        else:
            assert race.committed == ["role.deleted"]
            assert (
                race.service.items(f"G#{uid}")
                + [i for i in race.service.items(f"U#{uid}") if i["sk"] != "META"]
                == []
            )
        assert race.put_role("reader", "document.read").status == 201


WRITES: dict[str, Callable[[Race, str], Answer]] = {
    "role.granted": lambda race, uid: race.grant(uid, "reader"),
    "admin granted": lambda race, uid: race.grant(uid, "admin"),
    "right.granted": lambda race, uid: race.service.post(
        f"/v1/users/{uid}/grants", {"action": "read", "scope": "document:7"}
    ),
    "attributes.changed": lambda race, uid: race.service.ask(
        "PATCH", f"/v1/users/{uid}/attributes", {"attributes": {"plan": {"level": "gold"}}}, **ANY
    ),
    "attribute put": lambda race, uid: race.service.ask(
        "PUT", f"/v1/users/{uid}/attributes/plan/level", {"value": "gold"}, **NEW
    ),
}


@pytest.mark.parametrize("status", ["deleted", "disabled"])
def test_nothing_is_written_about_a_user_who_is_deleted(race: Race, status: str) -> None:
    """Check that 2xx responses came before the deletion, and later ones are 404 and left nothing."""
    outcomes = Counter[tuple[int, int]]()
    for _, write in zip(range(COUNT), itertools.cycle(WRITES.values()), strict=False):
        race.clear()
        uid = str(uuid.uuid4())
        race.service.new_user(uid)
        race.database.run(
            "INSERT INTO users (uid, email) VALUES (CAST(:uid AS uuid), :uid)", uid=uid
        )
        race.put_role("reader", "document.read")
        race.service.ask("PUT", "/v1/namespaces/plan", NAMESPACE, **NEW)
        written, ended = race.run(partial(write, race, uid), partial(race.set_status, uid, status))
        outcomes[written.status // 100, ended.status] += 1
        actions = [name for name in race.committed if name != status]
        assert ended.status == 202, ended.text
        if status == "deleted":
            assert written.status in (200, 201, 404), written.text
            assert race.committed == (
                [*actions, "deleted"] if written.status < 300 else ["deleted"]
            )
        meta, holders = (
            race.service.item(f"U#{uid}", "META"),
            race.service.item("R#admin", "HOLDERS"),
        )
        assert meta is not None
        assert meta["status"] == status
        assert uid not in (holders or {}).get("uids", ())
    _tell(outcomes)


def _tell(outcomes: Counter[Any]) -> None:
    if "TRIALS_PER_KIND" in os.environ:
        print(f"\n{outcomes.total()} trials, 0 failures, answers {dict(outcomes)}")
