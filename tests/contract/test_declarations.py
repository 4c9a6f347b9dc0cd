"""Declarations of every operation, so that tests/contract/test_answers.py can check the rules."""

import json
import re
from typing import Any

import pytest
from hypothesis import strategies as st

from atrium.http.text import Line, Locale, PersonName
from local_aws_tests.support.generated import given
from tests.contract.declarations import complaints
from tests.contract.operations import read

SCHEMAS = read()["components"]["schemas"]
PROBLEM = {"description": "No"}
OK = {
    "description": "Yes",
    "headers": {"ETag": {}, "Location": {}, "Idempotency-Replayed": {}, "Link": {}},
}
ITEMS = {
    "type": "object",
    "required": ["items", "next_cursor"],
    "properties": {"items": {}, "next_cursor": {}},
}
BODY = {"type": "object", "additionalProperties": False}


def operation(statuses: str, **declared: Any) -> dict[str, Any]:
    responses = {status: OK if status < "3" else PROBLEM for status in statuses.split()}
    return {
        "description": "Does it.",
        "tags": ["notes"],
        "security": [{"cognito": ["atrium/me"]}],
        "x-atrium-allow": ["self"],
        "responses": responses,
    } | declared


def header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def takes(media_type: str) -> dict[str, Any]:
    return {"required": True, "content": {media_type: {"schema": BODY}}}


ID = {"name": "id", "in": "path", "schema": {"type": "string", "format": "uuid"}}
QUERY: list[dict[str, Any]] = [
    {"name": name, "in": "query", "schema": {}} for name in ("limit", "cursor")
]
COMPLETE: dict[str, Any] = {
    "tags": [{"name": "notes", "description": "Notes of users"}],
    "paths": {
        "/v1/notes": {
            "get": operation("200 400 401 403 429 503", parameters=QUERY),
            "post": operation(
                "201 400 401 403 409 413 415 422 429 503",
                parameters=[header("Idempotency-Key")],
                requestBody=takes("application/json"),
            ),
        },
        "/v1/notes/{id}": {
            "get": operation(
                "200 304 400 401 403 404 429 503", parameters=[ID, header("If-None-Match")]
            ),
            "patch": operation(
                "200 400 401 403 404 412 413 415 422 428 429 503",
                parameters=[ID, header("If-Match")],
                requestBody=takes("application/merge-patch+json"),
            ),
            "delete": operation(
                "204 400 401 403 404 412 428 429 503", parameters=[ID, header("If-Match")]
            ),
        },
        "/v1/health": {
            "get": operation("200 400", security=[], parameters=[header("If-None-Match")])
        },
    },
}
COMPLETE["paths"]["/v1/notes"]["get"]["responses"]["200"] = OK | {
    "headers": {"Link": {}},
    "content": {"application/json": {"schema": ITEMS}},
}
COMPLETE["paths"]["/v1/health"]["get"]["responses"]["200"] = {"description": "Up"}


def test_every_operation_declares_what_the_rules_demand() -> None:
    assert complaints(read()) == []


def test_a_complete_contract_has_no_complaints() -> None:
    assert complaints(COMPLETE) == []


def test_an_item_without_a_version_is_deleted_without_if_match() -> None:
    """Check an item that has no address to read it, and no `version` in its list."""
    contract = json.loads(json.dumps(COMPLETE))
    path = contract["paths"]["/v1/notes/{id}"]
    del path["get"], path["patch"]
    path["delete"] = operation("204 400 401 403 404 429 503", parameters=[ID])
    for name, told in (("id", 0), ("version", 3)):
        items = {"type": "array", "items": {"type": "object", "properties": {name: {}}}}
        listed = contract["paths"]["/v1/notes"]["get"]["responses"]["200"]
        schema = ITEMS | {"properties": {"items": items, "next_cursor": {}}}
        listed["content"]["application/json"]["schema"] = schema
        assert len(complaints(contract)) == told


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("/v1/notes get description", "It needs a `description`."),
        ("/v1/notes get parameters 0", "A list needs the parameter Limit."),
        ("/v1/notes get parameters 1", "A list needs the parameter Cursor."),
        ("/v1/notes get responses 200 headers Link", "A list answers with the header Link."),
        (
            "/v1/notes get responses 200 content application/json schema required 1",
            "both required.",
        ),
        ("/v1/notes get responses 401", "It demands a token, so it needs a response 401."),
        ("/v1/notes get responses 400", "so it needs a response 400."),
        (
            "/v1/notes post parameters 0",
            "A POST that makes something needs the parameter IdempotencyKey.",
        ),
        ("/v1/notes post responses 409", "It makes something once, so it needs a response 409."),
        (
            "/v1/notes post responses 201 headers Location",
            "The response 201 needs the header Location.",
        ),
        (
            "/v1/notes post responses 201 headers Idempotency-Replayed",
            "needs the header Idempotency-Replayed.",
        ),
        ("/v1/notes post responses 413", "It takes a body, so it needs a response 413."),
        ("/v1/notes post requestBody required", "say `required: true`."),
        (
            "/v1/notes post requestBody content application/json schema additionalProperties",
            "admits unknown fields",
        ),
        ("/v1/notes/{id} get parameters 0 schema format", "Path parameter id admits anything"),
        ("/v1/notes/{id} get parameters 1", "so it needs the parameter IfNoneMatch."),
        ("/v1/notes/{id} get responses 304", "so it needs a response 304."),
        ("/v1/notes/{id} get responses 404", "so it needs a response 404."),
        ("/v1/notes/{id} patch parameters 1", "so it needs the parameter IfMatch."),
        ("/v1/notes/{id} patch responses 412", "so it needs a response 412."),
        ("/v1/notes/{id} delete parameters 1", "so it needs the parameter IfMatch."),
        ("/v1/notes/{id} delete responses 428", "so it needs a response 428."),
    ],
)
def test_an_omission_is_reported(place: str, told: str) -> None:
    contract = json.loads(json.dumps(COMPLETE))
    *way, last = place.split(" ")
    node: Any = contract["paths"]
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node[step]
    del node[int(last) if isinstance(node, list) else last]
    [complaint] = complaints(contract)
    assert told in complaint


def test_a_patch_without_merge_patch_is_reported() -> None:
    contract = json.loads(json.dumps(COMPLETE))
    contract["paths"]["/v1/notes/{id}"]["patch"]["requestBody"] = takes("application/json")
    [complaint] = complaints(contract)
    assert "take `application/merge-patch+json`" in complaint


@pytest.mark.parametrize("kind", [PersonName, Locale])
@given(
    text=st.text(
        st.one_of(
            st.characters(codec="utf-8"),
            st.sampled_from(" -\x00\x85\u2028\u202e\u2066\u3000\ufeff"),
        ),
        max_size=8,
    )
    | st.from_regex(r"[A-Za-z]{1,4}(-[A-Za-z0-9]{1,9}){0,3}", fullmatch=True)
)
def test_the_contract_accepts_the_same_texts_as_the_service(kind: type[Line], text: str) -> None:
    """Ignore spaces around an ETag, which the service accepts."""
    declared = SCHEMAS[kind.__name__]
    fits = len(text) >= declared.get("minLength", 0) and bool(re.search(declared["pattern"], text))
    assert fits == is_taken(kind, text) or (kind is Locale and text != text.strip())


def is_taken(kind: type[Line], text: str) -> bool:
    try:
        kind.parse(text)
    except ValueError:
        return False
    return True
