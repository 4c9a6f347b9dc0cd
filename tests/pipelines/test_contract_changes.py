"""Breaking changes of the contract, which need a new major version."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools.deploy.errors import RefusedError
from tools.release import contract_changes

ROOT = Path(__file__).resolve().parents[2]
CONTRACT: dict[str, Any] = {
    "info": {"version": "1"},
    "paths": {
        "/v1/orders": {
            "get": {
                "security": [{"cognito": ["atrium/me"]}],
                "parameters": [{"in": "query", "name": "limit", "schema": {"type": "integer", "maximum": 100}}],
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Orders"}}}}},
            },
            "post": {
                "security": [{"cognito": ["atrium/me"]}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"201": {}, "409": {}},
            },
        }
    },
    "components": {
        "schemas": {
            "Orders": {"type": "object", "required": ["items"], "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Order"}}}},
            "Order": {"type": "object", "properties": {"id": {"type": "string"}, "parent": {"$ref": "#/components/schemas/Order"}}},
            "New": {"type": "object", "properties": {"size": {"type": "string", "enum": ["S", "M"]}, "note": {"type": "string", "maxLength": 100}}},
        }
    },
}  # fmt: skip

Edit = Callable[[dict[str, Any], dict[str, Any], dict[str, Any]], Any]


def edited(edit: Edit) -> dict[str, Any]:
    contract = copy.deepcopy(CONTRACT)
    path = contract["paths"]["/v1/orders"]
    edit(contract, path, contract["components"]["schemas"])
    return contract


BREAKING: list[tuple[Edit, str]] = [
    (lambda c, p, s: c["paths"].pop("/v1/orders"), "GET /v1/orders is gone"),
    (lambda c, p, s: p.pop("post"), "POST /v1/orders is gone"),
    (lambda c, p, s: p["post"]["responses"].pop("201"), "no longer answers 201"),
    (lambda c, p, s: p["get"].update(security=[{"cognito": ["atrium/admin"]}]), "no longer admits"),
    (lambda c, p, s: p["get"].update(parameters=[]), "query limit is gone"),
    (lambda c, p, s: p["get"]["parameters"].append({"in": "query", "name": "a", "required": True}), "query a is new and required"),
    (lambda c, p, s: p["get"]["parameters"][0].update(required=True), "query limit is required now"),
    (lambda c, p, s: p["get"]["parameters"][0]["schema"].update(maximum=50), "maximum is 50, was 100"),
    (lambda c, p, s: p["post"]["requestBody"].update(required=True), "requires a body now"),
    (lambda c, p, s: s["New"].update(required=["size"]), "body.size is required now"),
    (lambda c, p, s: s["New"]["properties"].pop("note"), "body.note is no longer taken"),
    (lambda c, p, s: s["New"]["properties"]["size"].update(enum=["S"]), "body.size no longer takes M"),
    (lambda c, p, s: s["New"]["properties"]["note"].update(pattern="^a"), "body.note: pattern is ^a"),
    (lambda c, p, s: s["New"]["properties"]["note"].update(minLength=1), "body.note: minLength is 1"),
    (lambda c, p, s: s["New"]["properties"]["note"].update(type="integer"), "body.note: type is integer"),
    (lambda c, p, s: s["Orders"].update(required=[]), "200.items may be missing now"),
    (lambda c, p, s: s["Order"]["properties"].pop("id"), "200.items[].id is gone"),
    (lambda c, p, s: s["Order"]["properties"]["id"].update(nullable=True), "200.items[].id may be null now"),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "expected"), BREAKING, ids=[text for _, text in BREAKING])
def test_a_breaking_change_is_found_and_needs_another_version(edit: Edit, expected: str) -> None:
    after = edited(edit)
    assert expected in "\n".join(contract_changes.breaking(CONTRACT, after))
    with pytest.raises(RefusedError, match=r"info.version is still 1"):
        contract_changes.require(CONTRACT, after)
    after["info"]["version"] = "2"
    contract_changes.require(CONTRACT, after)


@pytest.mark.parametrize(
    "edit",
    [
        lambda c, p, s: c["paths"].update({"/v1/new": {"get": {}}}),
        lambda c, p, s: s["Order"]["properties"].update(more={"type": "string"}),
        lambda c, p, s: s["New"]["properties"].update(more={"type": "string"}),
        lambda c, p, s: s["New"]["properties"]["size"].update(enum=["S", "M", "L"]),
        lambda c, p, s: s["New"]["properties"]["note"].update(maxLength=200),
        lambda c, p, s: p["get"]["parameters"].append({"in": "query", "name": "a"}),
        lambda c, p, s: p["get"]["security"].append({"cognito": ["atrium/users.read"]}),
        lambda c, p, s: p["get"]["responses"].update({"503": {}}),
        lambda c, p, s: s["Orders"].update(description="Words."),
    ],
)
def test_additions_and_changed_descriptions_are_compatible(edit: Edit) -> None:
    assert list(contract_changes.breaking(CONTRACT, edited(edit))) == []


def test_our_own_contract_is_read_from_files_and_from_git() -> None:
    ours = contract_changes.of_tree(ROOT)
    assert len(ours["paths"]) > 20
    assert list(contract_changes.breaking(ours, ours)) == []
    assert contract_changes.of_commit(ROOT, "HEAD")["paths"].keys() >= {"/v1/me"}
    with pytest.raises(RefusedError, match="cannot be read"):
        contract_changes.of_commit(ROOT, "nowhere")
