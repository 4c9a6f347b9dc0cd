"""A person with a marker in every personal field, an administrator, and the functions that export and erase."""

import io
import json
from typing import Any

import botocore.session
import pg8000.native
import pytest
from botocore.stub import Stubber

from atrium.identity import admins, grants
from atrium.identity.grant_items import GrantRecord
from atrium.stores import user_table
from export_records.handler import handler as export_records
from exports import accounts, aws
from identity_commands import cognito
from tests.unit.events import POOL, UID
from tests.unit.personal_data.markers import Person, plant

ADMIN = GrantRecord(
    id="01890a5d-ac96-774b-bcce-0000000000ad",
    uid=UID,
    role="admin",
    action=None,
    scope="*",
    reason=None,
    granted_by="operator",
    granted_at="2026-01-01T00:00:00.000Z",
    expires_at=None,
)
ACCOUNT = {"UserStatus": "CONFIRMED", "Enabled": True}


class Functions:
    """Lambda and Cognito as the export calls them."""

    def __init__(self, person: Person) -> None:
        self.accounts = {person.subject: ACCOUNT | {"UserAttributes": self._attributes(person)}}

    def _attributes(self, person: Person) -> list[dict[str, str]]:
        named = {
            "sub": person.subject,
            "email": person.marker("cognito.email"),
            "phone_number": "+44",
        }
        return [{"Name": name, "Value": value} for name, value in named.items()]

    def invoke(self, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803  boto's names
        assert FunctionName == "atrium-test-export_records:live"
        answer = export_records(json.loads(Payload))
        return {"Payload": io.BytesIO(json.dumps(answer, default=str).encode())}

    def admin_get_user(self, UserPoolId: str, Username: str) -> Any:  # noqa: N803
        assert UserPoolId == POOL
        return self.accounts[Username]


@pytest.fixture
def person(database: pg8000.native.Connection, table: Any) -> Person:
    """Return the person; the administrator UID is beside them."""
    database.run("TRUNCATE orders, order_lines")
    user_table.create_meta(UID)
    user_table.transact([*grants.puts(ADMIN), admins.joining(UID)])
    database.run("INSERT INTO users (uid, email) VALUES (:uid, 'admin@example.org')", uid=UID)
    return plant(database, table, UID)


@pytest.fixture
def functions(person: Person, monkeypatch: pytest.MonkeyPatch) -> Functions:
    made = Functions(person)
    monkeypatch.setenv("EXPORT_RECORDS_FUNCTION", "atrium-test-export_records:live")
    monkeypatch.setattr(aws, "client", lambda service: made)
    monkeypatch.setattr(accounts, "_pool", lambda: POOL)
    return made


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    """Return Cognito, which answers what a test adds."""
    client = botocore.session.get_session().create_client(
        "cognito-idp", "eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    monkeypatch.setattr(cognito, "_client", lambda service: client)
    monkeypatch.setattr(cognito, "_pool", lambda: POOL)
    stubber = Stubber(client)
    stubber.activate()
    return stubber
