"""Requests of an administrator, and the state of the stores afterwards."""

import json
import uuid
from typing import Any

import pg8000.native

from access.handler import handler as access
from atrium.api import Handler
from atrium.identity import commands
from atrium.stores import dynamodb, user_table
from identity_commands.handler import handler as identity_commands
from tests.unit.conftest import TABLE
from tests.unit.events import Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler as users

ADMIN = claims(roles="admin")


KEY = {"sk": {"S": "META"}}


DONE: dict[str, Any] = {"batchItemFailures": []}


AGAIN = {"batchItemFailures": [{"itemIdentifier": "7"}]}


def call(
    route: str,
    body: Any,
    path: dict[str, str] | None = None,
    handler: Handler = users,
    token: dict[str, str] = ADMIN,
    query: dict[str, list[str]] | None = None,
    **headers: str,
) -> Answer:
    sent = {name.replace("_", "-"): value for name, value in headers.items()} | {
        "Content-Type": "application/json"
    }
    sent_body = json.dumps(body) if body is not None else None
    event = api_event(route, sent_body, sent, token, query)
    return answer(handler(event | {"pathParameters": path}, Context()))


def invite(key: str = "") -> Answer:
    return call(
        "POST /v1/users", {"email": "new@example.org"}, Idempotency_Key=key or str(uuid.uuid4())
    )


def set_status(uid: str, status: str) -> Answer:
    return call("PUT /v1/users/{id}/status", {"status": status}, {"id": uid}, If_Match="*")


def make_admin(uid: str) -> Answer:
    return call(
        "POST /v1/users/{id}/grants", {"role": "admin"}, {"id": uid}, access, Idempotency_Key=uid
    )


def broken(*_: object, **__: object) -> None:
    raise user_table.TableUnavailableError("the table is away")


def deliver(operation: str) -> Any:
    """Send the command's record to identity_commands, as the stream does."""
    image = dynamodb.client().get_item(
        TableName=TABLE, Key=KEY | {"pk": {"S": f"COMMAND#{operation}"}}
    )["Item"]
    return identity_commands(
        {"Records": [{"dynamodb": {"NewImage": image, "SequenceNumber": "7"}}]}, Context()
    )


def item(operation: str) -> dict[str, Any]:
    found = user_table.item(*commands.key(operation))
    assert found is not None
    return found


def make_due(database: pg8000.native.Connection) -> None:
    database.run("UPDATE outbox SET due_at = now()")


def state(database: pg8000.native.Connection, operation: str) -> Any:
    [[found]] = database.run("SELECT state FROM operations WHERE id = :id", id=operation)
    return found


def meta_of(uid: str) -> tuple[str, int]:
    meta = user_table.meta(uid)
    assert meta is not None
    return meta.status, meta.access_epoch


def set_meta(uid: str, status: str, epoch: int) -> None:
    numbers = {"access_epoch": {"N": str(epoch)}, "version": {"N": str(epoch)}}
    meta = {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}, "status": {"S": status}}
    dynamodb.client().put_item(TableName=TABLE, Item=meta | numbers)
