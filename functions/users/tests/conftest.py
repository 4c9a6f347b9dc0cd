"""Shared fixtures: an administrator, and direct access to the stores."""

import json
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pg8000.native
import pytest

from local_aws_tests.support.waiting import settle
from tests.support import concurrent_requests
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person

ONE_USER = "SELECT uid FROM users WHERE uid = :uid FOR UPDATE"
OPERATIONS = "LOCK TABLE operations IN EXCLUSIVE MODE"  # blocks every writer of an operation


class Office:
    """An administrator of users. `database` and `table` read the stores directly."""

    def __init__(self, client: Client, admin: Person, database: pg8000.native.Connection) -> None:
        self.client, self.admin, self.database = client, admin, database

    def call(
        self, method: str, path: str, body: Any = None, person: Person | None = None, **headers: str
    ) -> Answer:
        return self.client.call(method, path, (person or self.admin).token, body, **headers)

    def invite(self, email: str, key: str | None = None, **names: str) -> Answer:
        body = {"email": email, **names}
        return self.call("POST", "/v1/users", body, Idempotency_Key=key or str(uuid.uuid4()))

    def set_status(
        self, uid: str, status: str, etag: str = "*", person: Person | None = None
    ) -> Answer:
        return self.call(
            "PUT", f"/v1/users/{uid}/status", {"status": status}, person, If_Match=etag
        )

    def operation(self, id: str) -> Any:
        return self.call("GET", f"/v1/operations/{id}").json

    def ended(self, accepted: Answer) -> Any:
        """Return the operation of a 202 once it has ended."""
        assert accepted.status == 202, accepted.body
        return self.ends(accepted.json["id"])

    def ends(self, operation: str) -> Any:
        assert settle(lambda: self.operation(operation)["state"] != "pending", 120), self.operation(
            operation
        )
        return self.operation(operation)

    def relay(self) -> Any:
        """Run the relay now instead of on its schedule."""
        answer = self.client.aws("lambda").invoke(
            FunctionName=self.client.outputs.functions["outbox_relay"],
            Qualifier="live",
            Payload=b"{}",
        )
        assert "FunctionError" not in answer
        return json.loads(answer["Payload"].read())

    def remind(self, operation: str, **attributes: str) -> None:
        """Change `attributes` of the command item, which adds a record to the stream."""
        self.client.aws("dynamodb").update_item(
            TableName=self.client.outputs.user_attributes_table,
            Key={"pk": {"S": f"COMMAND#{operation}"}, "sk": {"S": "META"}},
            UpdateExpression=" ".join(
                [
                    "ADD attempts :one",
                    *(["SET outcome = :outcome"] if "outcome" in attributes else []),
                ]
            ),
            ExpressionAttributeValues={":one": {"N": "1"}}
            | {f":{name}": {"S": value} for name, value in attributes.items()},
        )

    def command(self, operation: str) -> dict[str, Any] | None:
        answer = self.client.aws("dynamodb").get_item(
            TableName=self.client.outputs.user_attributes_table,
            Key={"pk": {"S": f"COMMAND#{operation}"}, "sk": {"S": "META"}},
        )
        return answer.get("Item")  # type: ignore[no-any-return]

    def cognito_user(self, email: str) -> Any:
        return self.client.aws("cognito-idp").admin_get_user(
            UserPoolId=self.client.outputs.user_pool_id, Username=email
        )

    def mails(self, email: str) -> list[Any]:
        with urllib.request.urlopen(self.client.outputs.inbox_url, timeout=35) as response:
            return [mail for mail in json.load(response) if mail["to"] == email]

    def users_with(self, email: str) -> list[str]:
        return [
            str(uid)
            for [uid] in self.database.run(
                "SELECT uid FROM users WHERE email = :email", email=email
            )
        ]

    def trail(self, uid: str) -> list[Any]:
        rows = self.database.run(
            "SELECT actor, action FROM audit_events WHERE uid = :uid ORDER BY id", uid=uid
        )
        return [tuple(row) for row in rows]

    def at_once(
        self, calls: Sequence[Callable[[], Answer]], lock: str, **parameters: str
    ) -> list[Answer]:
        return concurrent_requests.at_once(
            self.client, calls, lambda: self.call("GET", "/v1/users?limit=1"), lock, **parameters
        )


@pytest.fixture(scope="session")
def office(client: Client) -> Iterator[Office]:
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    with client.database() as database:
        yield Office(client, admin, database)


def new_email() -> str:
    return f"ada-{uuid.uuid4().hex[:12]}@example.org"


def code(answer: Answer) -> Any:
    return answer.json["code"]
