"""Rules about who sets the values of a namespace, and who changes its flags."""

from typing import Any

import pytest

from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tests.unit.access.test_attributes import put_namespace
from tools.laptop.answer import Answer

ANY = {"type": "object"}
CALLERS = {"admin": ADMIN, "writer": BOB, "setter": EVE, "owner": ADA}
"""Callers: `writer` holds `access.write`; `setter` holds the role `billing`, which `plan` and
`level` name.
"""


@pytest.fixture
def billing(service: Service) -> Service:
    for uid in (ADA, BOB, EVE):
        service.new_user(uid)
    for role, held in (("writer", ["access.write"]), ("billing", [])):
        body = {"description": role, "permissions": held}
        assert service.ask("PUT", f"/v1/roles/{role}", body, If_None_Match="*").status == 201
    service.grant(BOB, role="writer")
    service.grant(EVE, role="billing")
    namespaces: dict[str, dict[str, Any]] = {
        "profile": {"writable_by": "self"},
        "notes": {},
        "level": {"set_by": ["billing"]},
        "plan": {"set_by": ["billing"], "in_token": True},
        "claim": {"in_token": True},
    }
    for name, flags in namespaces.items():
        assert put_namespace(service, name, schema=ANY, **flags).status == 201
    return service


def ask(
    service: Service, caller: str, method: str, path: str, body: Any = None, **headers: Any
) -> Answer:
    roles = {"admin": "admin", "writer": "writer", "setter": "billing", "owner": ""}[caller]
    return service.ask(method, path, body, uid=CALLERS[caller], roles=roles, **headers)


@pytest.mark.parametrize(
    ("namespace", "allowed"),
    [
        ("profile", {"admin", "writer", "owner"}),
        ("notes", {"admin", "writer"}),
        ("level", {"admin", "writer", "setter"}),
        ("plan", {"admin", "setter"}),
        ("claim", {"admin"}),
    ],
)
def test_set_by_names_the_roles_that_set_values_of_others(
    billing: Service, namespace: str, allowed: set[str]
) -> None:
    one, all_ = f"/v1/users/{ADA}/attributes/{namespace}/x", f"/v1/users/{ADA}/attributes"
    for caller in CALLERS:
        put = ask(billing, caller, "PUT", one, {"value": caller}, If_None_Match="*")
        if caller not in allowed:
            assert put.status == 404, (caller, put.text)
            refused = ask(
                billing, caller, "PATCH", all_, {"attributes": {namespace: {"x": 1}}}, If_Match="*"
            )
            assert refused.status == (404 if caller == "setter" else 422), (caller, refused.text)
            assert ask(billing, caller, "DELETE", one, If_Match="*").status == 404
            continue
        assert put.status == 201, (caller, put.text)
        changed = ask(
            billing, caller, "PATCH", all_, {"attributes": {namespace: {"x": 2}}}, If_Match="*"
        )
        assert (changed.status, changed.json["attributes"][namespace]) == (200, {"x": 2})
        assert ask(billing, caller, "DELETE", one, If_Match="*").status == 204


@pytest.mark.parametrize("caller", ["writer", "setter"])
@pytest.mark.parametrize("namespace", ["plan", "claim"])
def test_only_an_administrator_sets_values_that_decide_others_access(
    billing: Service, caller: str, namespace: str
) -> None:
    path = f"/v1/users/{CALLERS[caller]}/attributes/{namespace}/x"
    assert ask(billing, caller, "PUT", path, {"value": 1}, If_None_Match="*").status == 404
    assert ask(billing, "admin", "PUT", path, {"value": 1}, If_None_Match="*").status == 201


def test_a_setter_reads_only_the_values_they_may_set(billing: Service) -> None:
    values = {name: {"x": 1} for name in ("profile", "notes", "level", "plan", "claim")}
    path = f"/v1/users/{ADA}/attributes"
    assert ask(billing, "admin", "PATCH", path, {"attributes": values}, If_Match="*").status == 200
    changed = ask(
        billing, "setter", "PATCH", path, {"attributes": {"plan": {"y": 1}}}, If_Match="*"
    )
    assert changed.json["attributes"] == {"level": {"x": 1}, "plan": {"x": 1, "y": 1}}
    mixed = ask(
        billing,
        "setter",
        "PATCH",
        path,
        {"attributes": {"plan": {"y": 2}, "notes": {"x": 2}}},
        If_Match="*",
    )
    assert (mixed.status, [error["pointer"] for error in mixed.json["errors"]]) == (
        422,
        ["#/attributes/notes"],
    )
    assert ask(billing, "setter", "PATCH", path, {"attributes": {}}, If_Match="*").status == 404
    assert ask(billing, "setter", "GET", path).status == 404, "that needs access.read"


def test_a_revoked_setter_sets_nothing(billing: Service) -> None:
    path = f"/v1/users/{ADA}/attributes/plan/x"
    revoked = billing.ask("PUT", path, {"value": 1}, uid=EVE, roles="", If_None_Match="*")
    assert revoked.status == 404
    stale = billing.ask(
        "PUT", path, {"value": 1}, uid=EVE, roles="billing", epoch=7, If_None_Match="*"
    )
    assert stale.status == 401


def test_only_an_administrator_grants_a_role_that_sets_trusted_values(
    billing: Service,
) -> None:
    """Check this, because the role's permissions do not show this right."""
    path, body = f"/v1/users/{ADA}/grants", {"role": "billing"}
    refused = ask(billing, "writer", "POST", path, body, Idempotency_Key="1")
    assert (refused.status, refused.json["code"]) == (403, "admin_required")
    assert ask(billing, "admin", "POST", path, body, Idempotency_Key="1").status == 201


@pytest.mark.parametrize("expires_at", [None, 4_000_000_000])
def test_only_an_administrator_revokes_it_or_changes_its_holders(
    billing: Service, expires_at: int | None
) -> None:
    """Check this, or a holder of `access.write` decides which values other programs see."""
    held = billing.grant(ADA, role="billing", expires_at=expires_at)
    path = f"/v1/users/{ADA}/grants/{held}"
    asked: list[tuple[str, str, Any]] = [
        ("DELETE", path, None),
        ("PUT", path, {"expires_at": "2090-01-01T00:00:00Z"}),
        ("PATCH", f"/v1/users/{ADA}/attributes", {"attributes": {"notes": {"x": 1}}}),
    ]
    for method, place, body in asked:
        refused = ask(billing, "writer", method, place, body, If_Match="*")
        assert (refused.status, refused.json["code"]) == (403, "admin_required"), refused.text
    assert ask(billing, "admin", "DELETE", path, If_Match="*").status == 204
    assert ask(billing, "writer", *asked[2][:2], asked[2][2], If_Match="*").status == 200, (
        "it was the role"
    )


def test_only_an_administrator_defines_it(billing: Service) -> None:
    billing.ask(
        "PUT", "/v1/roles/other", {"description": "x", "permissions": []}, If_None_Match="*"
    )
    body = {"description": "x", "permissions": []}
    for method, sent in (("PUT", body), ("DELETE", None)):
        refused = ask(billing, "writer", method, "/v1/roles/billing", sent, If_Match="*")
        assert (refused.status, refused.json["code"]) == (403, "admin_required"), refused.text
        assert ask(billing, "writer", method, "/v1/roles/other", sent, If_Match="*").status < 300


def test_a_setting_role_of_an_untrusted_namespace_is_like_any_other(billing: Service) -> None:
    assert put_namespace(billing, "plan", "If_Match", schema=ANY, set_by=["billing"]).status == 200
    path = f"/v1/users/{ADA}/grants"
    given = ask(billing, "writer", "POST", path, {"role": "billing"}, Idempotency_Key="1")
    assert given.status == 201
    gone = ask(billing, "writer", "DELETE", f"{path}/{given.json['id']}", If_Match="*")
    assert gone.status == 204


@pytest.mark.parametrize(
    ("name", "parents", "assignable_by"),
    [("chief", ["billing"], []), ("boss", [], ["boss"])],
    ids=["builds on it", "may assign it"],
)
def test_descendants_of_a_setting_role_set_nothing(
    billing: Service, name: str, parents: list[str], assignable_by: list[str]
) -> None:
    """Check that `set_by` is not inherited: a holder of `access.write` may grant such a role."""
    bodies: dict[str, Any] = {
        name: {"parents": parents, "permissions": []},
        "billing": {"permissions": [], "assignable_by": assignable_by},
    }
    for role, body in bodies.items():
        known: Any = {"If_Match": "*"} if role == "billing" else {"If_None_Match": "*"}
        path = f"/v1/roles/{role}"
        answer = billing.ask("PUT", path, {"description": role, **body}, **known)
        assert answer.status < 300, answer.text
    grants, value = f"/v1/users/{ADA}/grants", f"/v1/users/{ADMIN}/attributes/plan/x"
    given = ask(billing, "writer", "POST", grants, {"role": name}, Idempotency_Key="1")
    assert given.status == 201, given.text
    holder: dict[str, Any] = {"uid": ADA, "roles": f"{name} writer"}
    refused = billing.ask("PUT", value, {"value": 1}, **holder, If_None_Match="*")
    assert refused.status == 404, refused.text
    billing.grant(ADA, role="writer")
    grants = f"/v1/users/{BOB}/grants"
    refused = billing.post(grants, {"role": "billing"}, **holder)
    assert (refused.status, refused.json["code"]) == (403, "admin_required"), refused.text


FLAGS: dict[str, Any] = {
    "personal": False,
    "visible_to": "nobody",
    "writable_by": "self",
    "in_token": True,
    "set_by": ["billing"],
}


@pytest.mark.parametrize("flag", FLAGS)
def test_only_an_administrator_changes_a_flag(billing: Service, flag: str) -> None:
    body = {"description": "notes", "schema": ANY, "personal": True} | {flag: FLAGS[flag]}
    refused = ask(billing, "writer", "PUT", "/v1/namespaces/notes", body, If_Match="*")
    assert (refused.status, refused.json["code"]) == (403, "admin_required")
    assert (
        ask(billing, "admin", "PUT", "/v1/namespaces/notes", body, If_Match="*").json[flag]
        == FLAGS[flag]
    )
    described = ask(
        billing,
        "writer",
        "PUT",
        "/v1/namespaces/notes",
        body | {"description": "Other"},
        If_Match="*",
    )
    assert (described.status, described.json["description"]) == (200, "Other")


def test_only_an_administrator_creates_and_deletes_a_namespace(billing: Service) -> None:
    """Check this, because values survive when a namespace is deleted and created with other flags."""
    body = {"description": "x", "schema": ANY, "personal": True}
    made = ask(billing, "writer", "PUT", "/v1/namespaces/new", body, If_None_Match="*")
    assert (made.status, made.json["code"]) == (403, "admin_required")
    assert ask(billing, "writer", "DELETE", "/v1/namespaces/notes", If_Match="*").status == 403
    assert ask(billing, "admin", "DELETE", "/v1/namespaces/notes", If_Match="*").status == 204


@pytest.mark.parametrize(
    ("flags", "pointer"),
    [
        ({"in_token": True, "writable_by": "self"}, "#/writable_by"),
        ({"set_by": ["nobody_has_made_it"]}, "#/set_by/0"),
        ({"set_by": ["billing", "billing"]}, "#/set_by/1"),
        ({"set_by": ["No Role"]}, "#/set_by/0"),
        ({"set_by": ["billing"] * 11}, "#/set_by"),
    ],
)
def test_contradicting_flags_are_refused(billing: Service, flags: Any, pointer: str) -> None:
    refused = put_namespace(billing, "new", schema=ANY, **flags)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)


def test_an_old_namespace_in_tokens_cannot_be_set_by_its_owner(
    billing: Service,
) -> None:
    item = billing.item("NAMESPACES", "claim") or {}
    del item["set_by"]
    billing.put(**item | {"writable_by": "self"})
    path = f"/v1/users/{ADA}/attributes/claim/x"
    assert ask(billing, "owner", "PUT", path, {"value": 1}, If_None_Match="*").status == 404
    assert ask(billing, "admin", "GET", "/v1/namespaces/claim").json["set_by"] == []
