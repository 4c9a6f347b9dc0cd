"""Every field of the contract's ProfilePatch. A new field needs no test of its own here."""

import json
from pathlib import Path
from typing import Any

import pg8000.native
import pytest
import yaml

from tests.support.people import new_admin, new_user
from tests.unit.events import OTHER, UID, Context, answer, api_event, claims
from tools.laptop.answer import Answer
from users.handler import handler

CONTRACT = Path(__file__).parents[2] / "functions/users/openapi.yaml"
SCHEMAS = yaml.safe_load(CONTRACT.read_text())["components"]["schemas"]


def example(field: dict[str, Any]) -> Any:
    return (SCHEMAS[field["$ref"].rpartition("/")[2]] if "$ref" in field else field)["example"]


EXAMPLES = {name: example(field) for name, field in SCHEMAS["ProfilePatch"]["properties"].items()}
RECORDS = {"Me": ("/v1/me", None), "User": ("/v1/users/{id}", {"id": OTHER})}


@pytest.fixture(autouse=True)
def office(database: pg8000.native.Connection, table: Any) -> pg8000.native.Connection:
    new_admin(database, UID, "ada@example.org")
    new_user(database, OTHER, "grace@example.org")
    return database


def call(method: str, record: str, body: Any = None) -> Answer:
    path, parameters = RECORDS[record]
    sent = {"Content-Type": "application/json", "If-Match": "*"}
    text = None if body is None else json.dumps(body)
    event = api_event(f"{method} {path}", text, sent, claims(roles="admin"))
    return answer(handler(event | {"pathParameters": parameters}, Context()))


@pytest.mark.parametrize("record", RECORDS)
@pytest.mark.parametrize("field", EXAMPLES)
def test_a_field_is_stored_shown_and_cleared(field: str, record: str) -> None:
    others = dict.fromkeys(EXAMPLES.keys() - {field})
    for value in (EXAMPLES[field], None):
        changed = call("PATCH", record, {field: value})
        assert changed.status == 200, changed.text
        shown = call("GET", record).json
        assert shown == changed.json
        assert shown.items() >= {field: value, **others}.items()


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_has_the_fields_of_the_contract(record: str) -> None:
    shown = call("GET", record).json
    assert shown.keys() == SCHEMAS[record]["properties"].keys() == {*SCHEMAS[record]["required"]}


def test_the_audit_event_names_the_changed_fields(office: pg8000.native.Connection) -> None:
    assert call("PATCH", "Me", EXAMPLES).status == 200
    [[changes]] = office.run("SELECT changes FROM audit_events WHERE action = 'user.changed'")
    assert changes == {"fields": list(EXAMPLES)}
