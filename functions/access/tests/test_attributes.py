"""Attributes by HTTP: each namespace decides what members, administrators and tokens see of its
values.
"""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from access.tests.conftest import Ask
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person, claims

SCHEMA = {
    "type": "object",
    "properties": {
        "nickname": {"type": "string", "maxLength": 10},
        "level": {"enum": ["gold", "silver"]},
    },
    "additionalProperties": False,
}
Make = Callable[..., str]


@pytest.fixture
def make(ask: Ask) -> Make:
    """Create a namespace that only this test uses."""

    def made(**more: Any) -> str:
        name = f"n{uuid.uuid4().hex[:10]}"
        body = {"description": "The tests'", "schema": SCHEMA, "personal": True} | more
        answer = ask("PUT", f"/v1/namespaces/{name}", body, If_None_Match="*")
        assert answer.status == 201, answer.body
        assert answer.json == {
            "visible_to": "self",
            "writable_by": "nobody",
            "in_token": False,
            "set_by": [],
        } | body | {
            "namespace": name,
            "version": 1,
        }
        return name

    return made


@pytest.fixture
def path(someone: Person) -> str:
    return f"/v1/users/{someone.uid}/attributes"


def pointers(answer: Answer) -> list[str]:
    assert (answer.status, answer.headers["content-type"]) == (422, "application/problem+json"), (
        answer.body
    )
    return [error["pointer"] for error in answer.json["errors"]]


def test_several_values_change_together_or_not_at_all(ask: Ask, make: Make, path: str) -> None:
    one, other = sorted((make(), make()))  # sorted as errors list them
    changed = ask(
        "PATCH",
        path,
        {"attributes": {one: {"nickname": "Ada"}, other: {"level": "gold"}}},
        If_Match="*",
    )
    assert changed.json["attributes"] == {one: {"nickname": "Ada"}, other: {"level": "gold"}}
    wrong = {one: {"nickname": "Countess of Lovelace"}, other: {"level": "iron"}}
    assert pointers(ask("PATCH", path, {"attributes": wrong}, If_Match="*")) == [
        f"#/attributes/{one}/nickname",
        f"#/attributes/{other}/level",
    ]
    half = {one: {"nickname": "Countess"}, other: {"age": 36}}
    assert pointers(ask("PATCH", path, {"attributes": half}, If_Match="*")) == [
        f"#/attributes/{other}/age"
    ]
    assert ask("GET", path).json == changed.json
    cleared = ask("PATCH", path, {"attributes": {one: None}}, If_Match=changed.headers["etag"])
    assert cleared.json["attributes"] == {other: {"level": "gold"}}


def test_a_second_writer_of_the_same_version_must_read_again(
    ask: Ask, make: Make, path: str
) -> None:
    name, tag = make(), ask("GET", path).headers["etag"]
    body = {"attributes": {name: {"nickname": "Ada"}}}
    assert [ask("PATCH", path, body).status, ask("PATCH", path, body, If_Match=tag).status] == [
        428,
        200,
    ]
    late = ask("PATCH", path, {"attributes": {name: {"nickname": "Eve"}}}, If_Match=tag)
    assert (late.status, late.json["code"]) == (412, "stale")
    one = f"{path}/{name}/nickname"
    assert ask("PUT", one, {"value": "Eve"}, If_None_Match="*").json["code"] == "attribute_exists"
    assert (
        ask("PUT", one, {"value": "Countess"}, If_Match=ask("GET", one).headers["etag"]).json[
            "version"
        ]
        == 2
    )
    assert pointers(ask("PUT", one, {"value": 7}, If_Match="*")) == ["#/value"]
    assert ask("DELETE", one, If_Match="*").status == 204
    assert ask("GET", one).status == 404


def test_the_namespace_decides_who_reads_and_writes(
    ask: Ask, make: Make, someone: Person, path: str
) -> None:
    own, shown, hidden = make(writable_by="self"), make(), make(visible_to="nobody")
    values = {name: {"nickname": "Ada"} for name in (own, shown, hidden)}
    assert ask("PATCH", path, {"attributes": values}, If_Match="*").json["attributes"] == values
    seen = ask("GET", path, person=someone).json["attributes"]
    assert seen == {own: values[own], shown: values[shown]}
    mine = {own: {"nickname": "Countess"}}
    assert ask("PATCH", path, {"attributes": mine}, person=someone, If_Match="*").status == 200
    for name in (shown, hidden):
        refused = ask(
            "PATCH", path, {"attributes": {name: {"nickname": "x"}}}, person=someone, If_Match="*"
        )
        assert pointers(refused) == [f"#/attributes/{name}"]
    statuses = [
        ask("GET", f"{path}/{name}/nickname", person=someone).status
        for name in (own, shown, hidden)
    ]
    assert statuses == [200, 200, 404]
    assert ask("GET", f"/v1/users/{uuid.uuid4()}/attributes", person=someone).status == 404
    assert ask("GET", f"/v1/namespaces/{own}", person=someone).status in (401, 403)


def test_a_token_has_the_values_of_namespaces_in_tokens(
    client: Client, ask: Ask, make: Make
) -> None:
    person = client.new_member()
    told, kept, path = make(in_token=True), make(), f"/v1/users/{person.uid}/attributes"
    assert "attributes" not in claims(person.token)
    ask(
        "PATCH",
        path,
        {"attributes": {told: {"level": "gold"}, kept: {"level": "gold"}}},
        If_Match="*",
    )
    assert ask("GET", path, person=person).json["code"] == "token_stale", "it does not say so yet"
    renewed = client.sign_in(person)
    assert json.loads(claims(renewed.token)["attributes"]) == {told: {"level": "gold"}}
    ask("PATCH", path, {"attributes": {kept: {"level": "silver"}}}, If_Match="*")
    assert ask("GET", path, person=renewed).status == 200, (
        "what is not in the token does not end it"
    )
    ask("DELETE", f"{path}/{told}/level", If_Match="*")
    assert "attributes" not in claims(client.sign_in(person).token)


@pytest.mark.parametrize(
    ("schema", "pointer"),
    [
        ({"type": "string"}, "#/schema"),
        (
            {"type": "object", "properties": {"a": {"maxLenght": 3}}},
            "#/schema/properties/a/maxLenght",
        ),
        ({"type": "object", "properties": {"a": {"$ref": "#"}}}, "#/schema/properties/a/$ref"),
    ],
)
def test_an_invalid_schema_is_refused_with_its_pointer(ask: Ask, schema: Any, pointer: str) -> None:
    body = {"description": "x", "schema": schema, "personal": False}
    assert pointers(
        ask("PUT", f"/v1/namespaces/n{uuid.uuid4().hex[:10]}", body, If_None_Match="*")
    ) == [pointer]
