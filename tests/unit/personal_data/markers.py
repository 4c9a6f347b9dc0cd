"""A person with a marker in every personal field, in Postgres, the table and the pool."""

import json
import uuid
from dataclasses import dataclass, field
from typing import Any

import pg8000.native

from atrium.identity import grants
from atrium.identity.grant_items import GrantRecord
from atrium.stores import user_table
from tests.unit.conftest import TABLE
from tests.unit.events import POOL

PROVIDER = f"cognito:{POOL}"
COFFEE = "01990000-0000-7000-8000-000000000001"


@dataclass
class Person:
    """The markers by place.

    `subject` is the account in the pool, `operation` an earlier operation.
    """

    uid: str
    subject: str
    operation: str
    markers: dict[str, str] = field(default_factory=dict)

    def marker(self, place: str) -> str:
        """Return a new text that occurs nowhere else."""
        self.markers[place] = f"marker-{uuid.uuid4().hex}"
        return self.markers[place]


def plant(database: pg8000.native.Connection, table: Any, actor: str) -> Person:
    """Create the person. `actor` is the administrator who granted rights and sent commands."""
    person = Person(str(uuid.uuid4()), str(uuid.uuid4()), str(uuid.uuid4()))
    user_table.create_meta(person.uid)
    _rows(database, person, actor)
    _items(table, person, actor)
    return person


def _rows(database: pg8000.native.Connection, person: Person, actor: str) -> None:
    mark, uid = person.marker, person.uid
    operation, order = person.operation, str(uuid.uuid4())
    rows: list[tuple[str, dict[str, Any]]] = [
        ("users", {"uid": uid, "email": f"{mark('users.email')}@example.org", "given_name": mark("users.given_name"),
                   "family_name": mark("users.family_name"), "locale": mark("users.locale")}),
        ("identities", {"provider": PROVIDER, "subject": person.subject, "uid": uid}),
        ("operations", {"id": operation, "kind": "user.disable", "state": "failed", "uid": uid, "actor": actor,
                        "email": mark("operations.email"), "reason": mark("operations.reason")}),
        ("invitations", {"id": operation, "uid": uid, "operation": operation, "actor": actor, "state": "accepted",
                         "roles": [mark("invitations.roles")], "expires_at": "2999-01-01"}),
        ("outbox", {"id": operation, "command": "disable_user", "actor": actor,
                    "arguments": json.dumps({"uid": uid, "note": mark("outbox.arguments")})}),
        ("idempotency_keys", {"caller": uid, "route": "POST /v1/orders", "key": mark("idempotency_keys.key"),
                              "fingerprint": "f", "result": json.dumps({"a": mark("idempotency_keys.result")}),
                              "expires_at": "2999-01-01"}),
        ("audit_events", {"id": str(uuid.uuid4()), "uid": uid, "actor": actor, "action": "user.disabled"}),
        ("orders", {"id": order, "uid": uid}),
        ("order_lines", {"order_id": order, "coffee_id": COFFEE, "quantity": 1, "price_cents": 220}),
    ]  # fmt: skip
    for name, values in rows:
        columns, places = ", ".join(values), ", ".join(f":{column}" for column in values)
        database.run(f"INSERT INTO {name} ({columns}) VALUES ({places})", **values)  # noqa: S608  our own columns


def _items(table: Any, person: Person, actor: str) -> None:
    mark, uid = person.marker, person.uid

    def put(pk: str, sk: str, **attributes: str) -> None:
        item = {"pk": pk, "sk": sk, **attributes}
        table.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in item.items()})

    put(
        f"U#{uid}",
        "ATTR#profile#phone",
        value=json.dumps(mark("attributes.value")),
        encoding="json",
    )
    put(f"U#{uid}", f"ATTR#profile#{mark('attributes.name')}", value="1", encoding="json")
    put(
        f"IDEMPOTENCY#{uid}",
        f"POST /v1/x#{mark('answers.key')}",
        result=json.dumps({"a": mark("answers.result")}),
    )
    times = dict.fromkeys(("auth_time", "first_seen", "last_seen"), "1767225600")
    put(
        f"S#{uid}",
        str(uuid.uuid4()),
        device=mark("sessions.device"),
        expires_at="32503680000",
        **times,
    )
    for scope, role, action in (
        ("*", "editor", None),
        (f"document:{mark('grants.scope')}", None, "read"),
    ):
        user_table.transact(grants.puts(GrantRecord(
            id=str(uuid.uuid4()), uid=uid, role=role, action=action, scope=scope, reason=mark(f"grants.reason {scope[:1]}"),
            granted_by=actor, granted_at="2026-01-01T00:00:00Z", expires_at=None,
            condition=action and json.dumps({"==": [mark("grants.condition"), {"var": "resource.owner"}]}),
        )))  # fmt: skip
    put(
        f"COMMAND#{person.operation}", "META", command="disable_user", actor=actor, outcome="failed",
        arguments=json.dumps({"email": mark("commands.arguments")}), result=json.dumps({"reason": mark("commands.result")}),
    )  # fmt: skip
