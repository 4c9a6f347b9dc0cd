"""The steps between a request and its outcome: the stream, the pool, and the relay."""

from typing import Any

import pg8000.native
from botocore.stub import Stubber

from atrium.stores import dynamodb
from attribute_changes.outcomes import handle_outcome
from identity_commands.handler import handler as identity_commands
from outbox_relay.handler import handler as outbox_relay
from tests.unit.conftest import TABLE
from tests.unit.events import POOL, Context

DONE: dict[str, Any] = {"batchItemFailures": []}


def image(operation: str) -> dict[str, Any]:
    key = {"pk": {"S": f"COMMAND#{operation}"}, "sk": {"S": "META"}}
    found: dict[str, Any] = dynamodb.client().get_item(TableName=TABLE, Key=key)["Item"]
    return found


def perform(operation: str, pool: Stubber, call: str, subject: str) -> None:
    """Deliver the command to the pool and its outcome to Postgres, each twice."""
    pool.add_response(call, {}, {"UserPoolId": POOL, "Username": subject})
    record = {"dynamodb": {"NewImage": image(operation), "SequenceNumber": "7"}}
    for _ in range(2):
        assert identity_commands({"Records": [record]}, Context()) == DONE
    pool.assert_no_pending_responses()
    for _ in range(2):
        handle_outcome(dynamodb.plain(image(operation)))


def relay(database: pg8000.native.Connection) -> dict[str, int]:
    """Run the relay at the time of each step of an erasure."""
    database.run("UPDATE outbox SET due_at = now() WHERE command LIKE 'erase%'")
    return outbox_relay({})


def operations(database: pg8000.native.Connection, uid: str) -> list[Any]:
    found = "SELECT id::text, kind, state FROM operations WHERE uid = :uid AND kind <> 'user.disable' ORDER BY created_at"
    return [tuple(row) for row in database.run(found, uid=uid)]
