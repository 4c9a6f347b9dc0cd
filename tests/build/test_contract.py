"""The contract that the build merges from the services' parts, and its error messages."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.build.repository import FILES, finish, lay_out, start
from tools.build import access_rules, contract
from tools.build.contract import Operation
from tools.build.declarations import read_functions
from tools.build.errors import BuildError

NOTES, HANDLER = "functions/notes/openapi.yaml", "functions/notes/handler.py"

OTHER = {
    "functions/other/function.yaml": "description: Another\ntrigger: api\ndata: {user_attributes: {read: [users, roles], update: [sessions]}}\n",
    "functions/other/handler.py": 'ROUTES = {"GET /v1/others": print}\n',
    "functions/other/openapi.yaml": """\
paths:
  /v1/others:
    get:
      operationId: listOthers
      summary: List the others
      security: [{cognito: [atrium/users.read]}]
      x-atrium-allow: [permission: users.read]
      responses:
        200: {description: They are}
components:
  schemas:
    Other: {type: object}
""",
}


def read(root: Path) -> contract.Contract:
    return contract.read(root, read_functions(root))


def refusal(root: Path) -> str:
    with pytest.raises(BuildError) as refused:
        read(root)
    return refused.value.as_line(root)


def changed(file: str, old: str, new: str) -> dict[str, str | None]:
    content = (FILES | OTHER)[file]
    assert old in content
    return {file: content.replace(old, new)}


def test_an_undeclared_partition_fails_the_build(tmp_path: Path) -> None:
    declared = "functions/notes/function.yaml"
    root = lay_out(tmp_path)
    assert finish(start(root, "--local")).status == 0
    (root / declared).write_text(
        FILES[declared].replace(
            "  user_attributes: {read: [users, roles], update: [sessions]}\n", ""
        )
    )
    ran = finish(start(root, "--local"))
    assert (ran.status, ran.err) == (
        1,
        f"build: {declared}: data.user_attributes.read: GET /v1/notes/{{id}} needs a token, which is "
        "compared with the table. Add `users` to `user_attributes: {read: […]}` below `data`.\n",
    )


def test_a_permission_needs_read_access_to_the_roles(tmp_path: Path) -> None:
    declared = "functions/notes/function.yaml"
    assert refusal(lay_out(tmp_path, changed(declared, "[users, roles]", "[users]"))) == (
        f"{declared}: data.user_attributes.read: PUT /v1/notes/{{id}} needs a permission, and the table lists "
        "the roles that hold it. Add `roles` to `user_attributes: {read: […]}` below `data`."
    )


@pytest.mark.parametrize("partition", ["grants", "namespaces"])
def test_a_decision_needs_read_access_to_grants_and_namespaces(
    tmp_path: Path, partition: str
) -> None:
    declared, both = "functions/notes/function.yaml", ["grants", "namespaces"]
    both.remove(partition)
    changes = changed(NOTES, "permission: users.write", "{decision: notes.write, resource: id}")
    changes |= changed(declared, "[users, roles]", f"[users, roles, {both[0]}]")
    told = refusal(lay_out(tmp_path, changes))
    assert told.startswith(f"{declared}: data.user_attributes.read: PUT /v1/notes/{{id}} needs a")
    assert f"Add `{partition}` to `user_attributes: {{read: […]}}`" in told


def test_an_authenticated_route_needs_access_to_the_sessions(tmp_path: Path) -> None:
    declared = "functions/notes/function.yaml"
    assert refusal(lay_out(tmp_path, changed(declared, ", update: [sessions]", ""))) == (
        f"{declared}: data.user_attributes.update: GET /v1/notes/{{id}} needs a token, whose session is "
        "recorded in the table. Add `sessions` to `user_attributes: {update: […]}` below `data`."
    )


def test_a_list_with_a_cursor_needs_the_signing_keys(tmp_path: Path) -> None:
    changes = changed(NOTES, "parameters/Limit", "parameters/Cursor")
    assert refusal(lay_out(tmp_path, changes)) == (
        "functions/notes/function.yaml: data.user_attributes.read: GET /v1/notes/{id} accepts a cursor, whose signing key is in "
        "the table. Add `signing_keys` to `user_attributes: {read: […]}` below `data`."
    )


def test_the_contract_is_the_shared_part_and_that_of_every_service(tmp_path: Path) -> None:
    document = read(lay_out(tmp_path, OTHER)).document
    assert document["openapi"] == "3.0.3"
    assert sorted(document["paths"]) == ["/v1/health", "/v1/notes/{id}", "/v1/others"]
    assert {"Problem", "Other"} <= document["components"]["schemas"].keys()
    assert {"IfMatch", "Limit", "NoteId"} <= document["components"]["parameters"].keys()
    # Status codes are numbers in YAML, and names in JSON.
    assert "200" in document["paths"]["/v1/others"]["get"]["responses"]


def test_each_operation_has_its_function_and_scopes(tmp_path: Path) -> None:
    assert set(read(lay_out(tmp_path, OTHER)).operations) == {
        Operation("GET", "/v1/health", "notes", ()),
        Operation("GET", "/v1/notes/{id}", "notes", ("atrium/me",)),
        Operation("PUT", "/v1/notes/{id}", "notes", ("atrium/users.write", "atrium/me")),
        Operation("GET", "/v1/others", "other", ("atrium/users.read",)),
    }


def test_an_operation_may_require_an_api_key(tmp_path: Path) -> None:
    wants = {NOTES: FILES[NOTES].replace("security:", "x-atrium-api-key: true\n      security:")}
    found = read(lay_out(tmp_path, wants))
    assert all(operation.api_key for operation in found.operations)
    paths = found.document["paths"]
    assert paths["/v1/notes/{id}"]["put"]["security"] == [
        {"cognito": ["atrium/users.write"], "api_key": []},
        {"cognito": ["atrium/me"], "api_key": []},
    ]
    assert paths["/v1/health"]["get"]["security"] == [{"api_key": []}]
    assert found.document["components"]["securitySchemes"]["api_key"] == contract.API_KEY_SCHEME


def test_a_throttle_is_kept_for_terraform(tmp_path: Path) -> None:
    throttle = "      x-atrium-throttle: {rate: 0.5, burst: 2}\n      summary: Is it up\n"
    document = read(
        lay_out(tmp_path, changed(NOTES, "      summary: Is it up\n", throttle))
    ).document
    assert document["paths"]["/v1/health"]["get"]["x-atrium-throttle"] == {"rate": 0.5, "burst": 2}
    assert "api_key" not in document["components"]["securitySchemes"]


@pytest.mark.parametrize(
    ("route", "operation", "needs"),
    [
        ("PUT /v1/notes", {"x-atrium-allow": [{"permission": "notes.write"}]}, True),
        ("DELETE /v1/notes", {"x-atrium-allow": ["self", {"role": "admin"}]}, True),
        ("PATCH /v1/notes", {"x-atrium-allow": ["self"]}, False),
        ("PATCH /v1/notes", {"x-atrium-allow": ["self"], "x-atrium-authority": "current"}, True),
        ("GET /v1/notes", {"x-atrium-allow": [{"permission": "notes.read"}]}, False),
        ("GET /v1/notes", {"x-atrium-allow": ["self"], "x-atrium-authority": "current"}, True),
        ("POST /v1/notes", {"x-atrium-allow": ["public"], "security": []}, False),
        (
            "POST /v1/ask",
            {"x-atrium-allow": [{"permission": "notes.read"}], "x-atrium-rules": "authzen"},
            False,
        ),
    ],
)
def test_a_change_that_needs_a_permission_needs_current_authority(
    route: str, operation: dict[str, Any], needs: bool
) -> None:
    assert access_rules.needs_current_authority(Path("openapi.yaml"), route, operation) is needs


def test_a_recent_sign_in_becomes_a_rule_of_the_service(tmp_path: Path) -> None:
    stated = {NOTES: FILES[NOTES].replace("[self]", "[self]\n      x-atrium-recent-sign-in: 300")}
    rules = json.loads(access_rules.rules(lay_out(tmp_path, stated) / NOTES))
    assert {route: rule["recent_sign_in"] for route, rule in rules.items()} == {
        "GET /v1/notes/{id}": 300,
        "PUT /v1/notes/{id}": None,
        "GET /v1/health": None,
    }


DEPRECATED = "[self]\n      deprecated: true\n      x-atrium-deprecation: "


def test_a_deprecation_becomes_headers_of_the_service(tmp_path: Path) -> None:
    stated = {
        NOTES: FILES[NOTES].replace(
            "[self]", DEPRECATED + "{since: 2026-11-01, sunset: 2027-11-01}"
        )
    }
    rules = json.loads(access_rules.rules(lay_out(tmp_path, stated) / NOTES))
    assert {route: rule.get("headers") for route, rule in rules.items()} == {
        "GET /v1/notes/{id}": {
            "Deprecation": "@1793491200",
            "Sunset": "Mon, 01 Nov 2027 00:00:00 GMT",
        },
        "PUT /v1/notes/{id}": None,
        "GET /v1/health": None,
    }


def test_the_contract_is_written_as_json(built: tuple[Path, Path]) -> None:
    document = json.loads((built[0] / "build/openapi.json").read_text())
    assert document == read(built[0]).document


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        (NOTES, "      summary: Is it up\n", "", f"{NOTES}: GET /v1/health.summary: It is missing."),
        (NOTES, "      operationId: readNote\n", "", f"{NOTES}: GET /v1/notes/{{id}}.operationId: It is missing."),
        (NOTES, "security: []", "x-atrium-api-key: 1\n      security: []", f"{NOTES}: GET /v1/health.x-atrium-api-key: Expected `bool`"),
        (NOTES, "security: []", "x-atrium-throttle: {rate: 1}\n      security: []", f"{NOTES}: GET /v1/health.x-atrium-throttle.burst: It is missing."),
        (NOTES, "security: []", "x-atrium-throttle: {rate: 0, burst: 1}\n      security: []", f"{NOTES}: GET /v1/health.x-atrium-throttle.rate: Expected"),
        (NOTES, "      security: []\n", "", f"{NOTES}: GET /v1/health.security: It is missing."),
        (NOTES, "security: []", "security: [{}]", f"{NOTES}: GET /v1/health.security: {{}} is not a supported security requirement"),
        (NOTES, "      x-atrium-allow: [public]\n", "", f"{NOTES}: GET /v1/health.x-atrium-allow: The list is empty, so nobody may call the operation."),
        (NOTES, "x-atrium-allow: [public]", "x-atrium-allow: [public]\n      x-atrium-authority: current",
         "GET /v1/health.x-atrium-authority: A public operation has no caller."),
        (NOTES, "x-atrium-allow: [self]", "x-atrium-allow: [self]\n      x-atrium-authority: cached",
         "GET /v1/notes/{id}.x-atrium-authority: "),
        (NOTES, "x-atrium-allow: [public]", "x-atrium-allow: [public]\n      x-atrium-recent-sign-in: 300",
         "GET /v1/health.x-atrium-recent-sign-in: A public operation has no caller."),
        (NOTES, "x-atrium-allow: [self]", "x-atrium-allow: [self]\n      x-atrium-recent-sign-in: 0",
         "GET /v1/notes/{id}.x-atrium-recent-sign-in: Expected `int` >= 1"),
        (NOTES, "[self]", "[self]\n      deprecated: true", "x-atrium-deprecation: `deprecated: true` and `x-atrium-deprecation` go together."),
        (NOTES, "[self]", "[self]\n      x-atrium-deprecation: {since: 2026-11-01, sunset: 2027-11-01}", "go together."),
        (NOTES, "[self]", DEPRECATED + "{since: 2026-11-01}", "x-atrium-deprecation: `sunset` is not a date."),
        (NOTES, "[self]", DEPRECATED + "{since: soon, sunset: 2027-11-01}", "x-atrium-deprecation: `since` is not a date."),
        (NOTES, "[self]", DEPRECATED + "{since: 2027-11-01, sunset: 2027-11-01}", "x-atrium-deprecation: `sunset` is not after `since`."),
        (NOTES, "[public]", "[]", f"{NOTES}: GET /v1/health.x-atrium-allow: The list is empty, so nobody may call the operation."),
        (NOTES, "[public]", "[public, self]", f"{NOTES}: GET /v1/health.x-atrium-allow: `public` cannot be combined with other entries."),
        (NOTES, "[public]", "[self]", f"{NOTES}: GET /v1/health.x-atrium-allow: `security: []` admits everybody."),
        (NOTES, "x-atrium-allow: [self]", "x-atrium-allow: [public]", "GET /v1/notes/{id}.x-atrium-allow: `public` requires `security: []`"),
        (NOTES, "[self, permission", "[self: uid, permission", "PUT /v1/notes/{id}.x-atrium-allow: The path has no parameter uid."),
        (NOTES, "permission: users.write", "permission: write", 'x-atrium-allow: {"permission": "write"} is not an alternative.'),
        (NOTES, "permission: users.write", "role: Admin", 'x-atrium-allow: {"role": "Admin"} is not an alternative.'),
        (NOTES, "permission: users.write", "anybody", 'x-atrium-allow: "anybody" is not an alternative.'),
        (NOTES, "permission: users.write", "{role: a, self: id}", "is not an alternative."),
        (NOTES, "permission: users.write", "{decision: write, resource: id}", "is not an alternative."),
        (NOTES, "permission: users.write", "{decision: notes.write, role: a}", "is not an alternative."),
        (NOTES, "permission: users.write", "{decision: notes.write, resource: uid}", "PUT /v1/notes/{id}.x-atrium-allow: The path has no parameter uid. Name one of the path in `resource`."),
        (NOTES, "permission: users.write", "{decision: notes.write}", "PUT /v1/notes/{id}.x-atrium-allow: A decision without `resource` filters a list, and this route is none."),
        (NOTES, "[self]", "[decision: notes.read]", "GET /v1/notes/{id}.x-atrium-allow: A decision without `resource` filters a list, and this route is none."),
        (NOTES, "[atrium/users.write]", "[atrium/notes]", f"{NOTES}: PUT /v1/notes/{{id}}.security: "),
        (NOTES, "[atrium/users.write]", "[atrium/me, atrium/users.read]", "Write `{cognito: [<one scope>]}` with one of: "),
        (NOTES, "/health:\n    get", "/health:\n    trace", f"{NOTES}: /v1/health: trace: This method is not supported."),
        (NOTES, "operationId: readHealth", "operationId: readNote", "readNote is also the operationId of GET /v1/notes/{id}."),
        (NOTES, "parameters/IfMatch", "parameters/IfMtch", "'#/components/parameters/IfMtch' leads nowhere."),
        (NOTES, "in: path, required: true", "in: path", f"{NOTES}: "),
        (NOTES, "name: id", "name: uid", "It is not OpenAPI 3.0: Path parameter 'id' for"),
        (NOTES, "{description: It is}", "{descriptoin: It is}", f"{NOTES}: paths./v1/health.get.responses"),
        (NOTES, "paths:\n", "servers: []\npaths:\n", f"{NOTES}: servers: There is no such field."),
        (NOTES, "    get:\n      operationId: readHealth", "    get: nothing\n    put:\n      operationId: readHealth",
         f"{NOTES}: GET /v1/health: Expected `object`, got `str`."),
        (HANDLER, '    "GET /v1/health": note.health,\n', "", f"{HANDLER}: ROUTES: GET /v1/health has no handler."),
        (HANDLER, "GET /v1/health", "POST /v1/health", f"{HANDLER}: ROUTES: GET /v1/health has no handler."),
        (HANDLER, "}\nhandler", '    "GET /v1/more": note.read,\n}\nhandler', f"{HANDLER}: line 8: GET /v1/more is not in openapi.yaml."),
        (HANDLER, '"GET /v1/health"', 'f"GET {note.PATH}"', f"{HANDLER}: line 7: A key of ROUTES is not a plain string."),
        (HANDLER, '"GET /v1/health"', '"PUT /v1/notes/{id}"', f"{HANDLER}: line 7: PUT /v1/notes/{{id}} is given twice."),
        (HANDLER, "ROUTES", "routes", f"{HANDLER}: ROUTES: There is no such dictionary"),
        (HANDLER, "ROUTES =", "ROUTES ==", f"{HANDLER}: ROUTES: There is no such dictionary"),
        (HANDLER, "ROUTES = {", "ROUTES = {{", f"{HANDLER}: line"),
    ],
)  # fmt: skip
def test_a_contradiction_is_reported(
    tmp_path: Path, file: str, old: str, new: str, told: str
) -> None:
    assert told in refusal(lay_out(tmp_path, changed(file, old, new)))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("/v1/others:", "/v1/health:", "paths./v1/health: It is already in functions/notes/openapi.yaml."),
        ("Other: {type", "Problem: {type", "components.schemas.Problem: It is already in functions/atrium/openapi.yaml."),
        ("listOthers", "readNote", "GET /v1/others.operationId: readNote is also the operationId of GET /v1/notes/{id}."),
        ("/v1/others:", "/v1/notes/{note}/all:", "/v1/notes/{note}/all: {note} stands where /v1/notes/{id} has {id}."),
        ("/v1/others:", "/v1/{word}s:", "/v1/{word}s: API Gateway does not support the segment '{word}s'."),
    ],
)  # fmt: skip
def test_a_conflict_of_two_services_is_reported(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    files = OTHER | changed("functions/other/openapi.yaml", old, new)
    handler = {
        "functions/other/handler.py": str(OTHER["functions/other/handler.py"]).replace(
            old.rstrip(":"), new.rstrip(":")
        )
    }
    assert refusal(lay_out(tmp_path, files | handler)).startswith(
        f"functions/other/openapi.yaml: {told}"
    )


def test_a_type_annotated_route_table_is_read(tmp_path: Path) -> None:
    read(lay_out(tmp_path, changed(HANDLER, "ROUTES =", "ROUTES: dict[str, object] =")))


def test_an_invalid_contract_builds_nothing(tmp_path: Path) -> None:
    root = lay_out(tmp_path, changed(NOTES, "security: []", "security: nobody"))
    ran = finish(start(root, "--local"))
    told = f"build: {NOTES}: GET /v1/health.security: Expected `array`, got `str`. "
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith(told)
    assert not (root / "build").exists()
