"""`GET /v1/me/export` and `/v1/users/{id}/export`: every declared field of this person only."""

import time
import uuid

import pg8000.native
import pytest

from exports import export
from exports.handler import handler
from tests.unit.events import UID, Context, answer, api_event, claims
from tests.unit.personal_data.conftest import ADMINS_ADDRESS, Functions
from tests.unit.personal_data.markers import Person
from tests.unit.personal_items import registry
from tools.laptop.answer import Answer


def ask(
    route: str, *, uid: str = UID, roles: str = "admin", of: str | None = None, age: int = 0
) -> Answer:
    signed_in = str(int(time.time()) - age)
    event = api_event(route, token=claims(auth_time=signed_in, uid=uid, roles=roles))
    return answer(handler(event | {"pathParameters": of and {"id": of}}, Context()))


def test_an_export_has_every_declared_field(person: Person, functions: Functions) -> None:
    found = ask("GET /v1/me/export", uid=person.uid)
    assert found.status == 200, found.body
    text = found.body.decode()
    assert {place for place, marker in person.markers.items() if marker not in text} == set()
    for store, part in (("postgres", "postgres"), ("items", "user_attributes")):
        records = {name: each for name, each in registry().records(store).items() if each.fields}
        # The person is not an administrator and has no grant in the earlier layout.
        absent = {
            "administrators",
            "earlier_grants_of_roles",
            "earlier_grants_of_actions",
            "audit_items",
        }
        assert found.json[part].keys() == records.keys() - absent
        for name, exported in found.json[part].items():
            optional = {
                "role",
                "action",
                "expires_at",
                "condition",
                "attributes_version",
                "result",
                "created_at",
                "ended_sessions",
                "sessions_ended_at",
                "kept_session",
                "invitation",
                "mfa",
                "mfa_requested",
                "mfa_change",
            }
            assert set(exported[0]) >= set(records[name].fields) - optional, name


def test_an_export_has_only_declared_fields_of_the_account(
    person: Person, functions: Functions
) -> None:
    cognito = ask("GET /v1/me/export", uid=person.uid).json["cognito"]
    assert cognito == {
        "account": [{"UserStatus": "CONFIRMED", "Enabled": True}],
        "attributes": [{"sub": person.subject, "email": person.markers["cognito.email"]}],
    }


def test_an_export_has_nothing_of_other_people(person: Person, functions: Functions) -> None:
    functions.accounts[ADMINS_ADDRESS] = {"UserAttributes": []}
    found = ask("GET /v1/me/export")
    assert found.status == 200
    assert not any(marker in found.body.decode() for marker in person.markers.values())
    assert found.json["user_attributes"]["administrators"] == [{"uids": [UID]}]


def test_an_administrators_export_of_a_user_is_in_the_audit_trail(
    person: Person, functions: Functions, database: pg8000.native.Connection
) -> None:
    found = ask("GET /v1/users/{id}/export", of=person.uid)
    assert (found.status, found.json["uid"]) == (200, person.uid)
    assert database.run(
        "SELECT uid::text, actor FROM audit_events WHERE action = 'user.exported'"
    ) == [[person.uid, UID]]
    assert ask("GET /v1/users/{id}/export", of=str(uuid.uuid4())).status == 404
    assert ask("GET /v1/users/{id}/export", of=UID, uid=person.uid, roles="").status == 403


@pytest.mark.parametrize("route", ["GET /v1/me/export", "GET /v1/users/{id}/export"])
def test_an_export_needs_a_recent_sign_in(person: Person, functions: Functions, route: str) -> None:
    late = ask(route, of=person.uid, age=301)
    assert (late.status, late.json["code"]) == (401, "recent_sign_in_required")


def test_an_export_above_the_size_limit_is_refused(
    person: Person, functions: Functions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_BYTES", 1000)
    refused = ask("GET /v1/me/export", uid=person.uid)
    assert (refused.status, refused.json["code"]) == (409, "export_too_large")
