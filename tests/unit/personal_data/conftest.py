"""A person with a marker in every personal field, an administrator, and the functions that export
and erase.
"""

import io
import json
from typing import Any

import pg8000.native
import pytest

from export_records.handler import handler as export_records
from exports import accounts, aws
from tests.support.kept_connections import empty
from tests.support.people import new_admin
from tests.unit.events import POOL, UID
from tests.unit.personal_data.markers import Person, plant

ADMINS_ADDRESS = "admin@example.org"
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
    """Return the person; the administrator has the id UID."""
    empty(database, "orders", "order_lines")
    new_admin(database, UID, ADMINS_ADDRESS)
    return plant(database, table, UID)


@pytest.fixture
def functions(person: Person, monkeypatch: pytest.MonkeyPatch) -> Functions:
    made = Functions(person)
    monkeypatch.setenv("EXPORT_RECORDS_FUNCTION", "atrium-test-export_records:live")
    monkeypatch.setattr(aws, "client", lambda service: made)
    monkeypatch.setattr(accounts, "pool_id", lambda: POOL)
    return made
