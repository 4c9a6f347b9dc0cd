"""Roles that hold permissions under a condition: their routes, decisions, searches, delegation."""

import json
from typing import Any

import pytest

from access import roles
from atrium.http.problem import MAX_ERRORS
from atrium.identity import permissions
from tests.unit.access.conftest import ADA, ADMIN, BOB, Service
from tests.unit.access.test_conditional_grants import (
    IN_SALES,
    OWNS,
    ask,
    explained,
    permitted,
    question,
)
from tests.unit.conftest import forget
from tools.laptop.answer import Answer

SMALL = {"<": [{"var": "context.amount"}, 100]}
OWN_READ = {"permission": "document.read", "condition": OWNS}


def put(
    service: Service,
    role: str,
    *conditional: Any,
    held: tuple[str, ...] = (),
    parents: tuple[str, ...] = (),
    etag: str | None = None,
    **caller: Any,
) -> Answer:
    body = {
        "description": f"A {role}",
        "permissions": list(held),
        "parents": list(parents),
        "conditional_permissions": list(conditional),
    }
    condition: dict[str, Any] = {"If_Match": etag} if etag else {"If_None_Match": "*"}
    return service.ask("PUT", f"/v1/roles/{role}", body, **condition, **caller)


@pytest.fixture
def author(service: Service) -> Service:
    """Prepare Ada, whose role holds `document.read` for her own documents."""
    for uid in (ADA, BOB):
        service.new_user(uid)
    assert put(service, "author", OWN_READ).status == 201
    service.grant(ADA, role="author")
    return service


def test_a_conditional_permission_is_created_changed_and_deleted(service: Service) -> None:
    two = [OWN_READ, {"permission": "order.read", "condition": SMALL}]
    made = put(service, "author", *reversed(two))
    assert (made.status, made.json["conditional_permissions"]) == (201, two)
    assert service.ask("GET", "/v1/roles/author").json == made.json
    other = {"permission": "order.read", "condition": OWNS}
    changed = put(service, "author", other, held=("document.read",), etag="*")
    assert changed.json["conditional_permissions"] == [other]
    assert service.ask("GET", "/v1/roles/author").json == changed.json
    trail = sorted(service.items("AUDIT#"), key=lambda item: str(item["pk"]))
    assert [json.loads(item["changes"]).get("conditions") for item in trail] == [
        ["document.read", "order.read"],
        ["document.read", "order.read"],
    ]
    assert service.ask("DELETE", "/v1/roles/author", If_Match="*").status == 204
    assert [item["sk"] for item in service.items("R#author")] == ["DELETED"]


@pytest.mark.parametrize(
    ("conditional", "pointer"),
    [
        ([{"permission": "read", "condition": OWNS}], "0/permission"),
        ([{"permission": "order.read"}], "0/condition"),
        ([{"permission": "order.read", "condition": {"matches": []}}], "0/condition"),
        ([OWN_READ, {"permission": "order.read", "condition": {"==": [1]}}], "1/condition/=="),
        ([OWN_READ, OWN_READ], "1"),
        ([{"permission": "order.list", "condition": OWNS}], "0/permission"),
    ],
)
def test_an_invalid_conditional_permission_is_refused(
    service: Service, conditional: list[Any], pointer: str
) -> None:
    refused = put(service, "author", *conditional, held=("order.list",))
    assert refused.status == 422, refused.text
    assert [error["pointer"] for error in refused.json["errors"]] == [
        f"#/conditional_permissions/{pointer}"
    ]
    assert service.items("R#author") == []


def test_a_response_has_a_bounded_number_of_errors(service: Service) -> None:
    wrong = [
        {"permission": f"order.a{number}", "condition": {"and": [7] * 200}} for number in range(40)
    ]
    refused = put(service, "author", *wrong)
    assert (refused.status, len(refused.json["errors"])) == (422, MAX_ERRORS)


def test_the_largest_change_fits_into_one_transaction(service: Service) -> None:
    def many(kind: str, count: int) -> list[dict[str, Any]]:
        return [{"permission": f"{kind}.p{number}", "condition": OWNS} for number in range(count)]

    assert put(service, "large", *many("old", roles.MAX_PERMISSIONS)).status == 201
    assert put(service, "large", *many("new", roles.MAX_PERMISSIONS), etag="*").status == 200
    refused = put(service, "large", *many("new", roles.MAX_PERMISSIONS), held=("a.b",), etag="*")
    assert refused.json["errors"][0]["detail"] == (
        "A role can have at most 45 permissions, with and without condition."
    )


def test_a_conditional_permission_counts_in_decisions_only(author: Service) -> None:
    assert permitted(author, resource={"owner": ADA})
    assert not permitted(author, resource={"owner": BOB})
    assert not permitted(author), "a missing value never permits"
    always = {"permission": "access.read", "condition": {"==": [1, 1]}}
    assert put(author, "peeper", always).status == 201
    author.grant(BOB, role="peeper")
    assert author.ask("GET", "/v1/roles", uid=BOB, roles="peeper").status == 403


def test_a_grants_condition_and_its_roles_condition_must_both_be_true(author: Service) -> None:
    body = {"role": "author", "scope": "document:*", "condition": SMALL}
    assert author.post(f"/v1/users/{BOB}/grants", body).status == 201
    for owner, amount in ((BOB, 99), (ADA, 99), (BOB, 100)):
        stated = {"resource": {"owner": owner}, "context": {"amount": amount}}
        assert permitted(author, uid=BOB, **stated) is ((owner, amount) == (BOB, 99))


def test_any_role_that_holds_the_permission_permits(author: Service) -> None:
    """A role and its parent hold it under different conditions, then another without one."""
    small_read = {"permission": "document.read", "condition": SMALL}
    assert put(author, "buyer", small_read, parents=("author",)).status == 201
    author.grant(BOB, role="buyer")
    assert permitted(author, uid=BOB, resource={"owner": BOB})
    assert permitted(author, uid=BOB, context={"amount": 1})
    assert not permitted(author, uid=BOB)
    found = explained(author, question(uid=BOB, resource={"owner": ADA}))
    assert [
        (each["role"], each["through"], each["permission_condition"], each["result"])
        for each in found["grants"]
    ] == [("buyer", "buyer", SMALL, None), ("buyer", "author", OWNS, False)]
    assert found["grants"][1]["values"] == {"resource.owner": ADA, "subject.id": BOB}
    assert found["reason"].endswith(
        "; the condition of document.read in role buyer, document.read in role author is not true."
    )
    assert put(author, "author", held=("document.read",), etag="*").status == 200
    permissions.cache.clear()
    assert permitted(author, uid=BOB)
    assert [each["through"] for each in explained(author, question(uid=BOB))["grants"]] == [
        "author"
    ]


def test_stored_attributes_are_read_for_the_condition_of_a_role(author: Service) -> None:
    assert (
        put(author, "seller", {"permission": "document.read", "condition": IN_SALES}).status == 201
    )
    author.grant(BOB, role="seller")
    flags = {"visible_to": "self", "writable_by": "nobody", "personal": False, "in_token": True}
    author.put(pk="NAMESPACES", sk="work", description="Work", schema="{}", version=1, **flags)
    stored = {"value": '"sales"', "encoding": "json", "version": 1}
    author.put(pk=f"U#{BOB}", sk="ATTR#work#department", **stored)
    assert permitted(author, uid=BOB)
    many = [question(uid=BOB, thing=str(number)) for number in range(5)]
    decided = ask(author, "evaluations", {"evaluations": many})["evaluations"]
    assert [each["decision"] for each in decided] == [True] * 5
    found = ask(author, "search/subject", question())
    assert [each["id"] for each in found["results"]] == [ADMIN, BOB]
    assert ask(author, "search/resource", question(uid=BOB))["context"] == {"all": True}


def test_a_search_evaluates_the_conditions_of_roles(author: Service) -> None:
    author.grant(BOB, role="author")
    author.grant(ADA, "document:7", action="write")
    for owner, finds in ((ADA, True), (BOB, False)):
        asked = question(resource={"owner": owner})
        found = ask(author, "search/subject", asked)
        assert [each["id"] for each in found["results"]] == [ADMIN, owner]
        found = ask(author, "search/action", asked)
        assert ({"name": "read"} in found["results"]) is finds
        found = ask(author, "search/resource", asked)
        assert ("all" in found.get("context", {}), found["results"]) == (
            finds,
            [{"type": "document", "id": "7"}] if finds else [],
        )


def test_a_conditional_permission_of_a_role_cannot_be_given_on(author: Service) -> None:
    """Bob holds `document.read` under a condition, which is not enough to give or define it."""
    assert put(author, "clerk", held=("access.write",)).status == 201
    for role in ("clerk", "author"):
        author.grant(BOB, role=role)
    by_bob: dict[str, Any] = {"uid": BOB, "roles": "author clerk"}
    read = {"action": "read", "scope": "document:7"}
    for body in ({"role": "author"}, read):
        refused = author.post(f"/v1/users/{ADA}/grants", body, **by_bob)
        assert (refused.status, refused.json["code"]) == (403, "rights_exceeded")
    refused = put(author, "mine", OWN_READ, **by_bob)
    assert [error["pointer"] for error in refused.json["errors"]] == ["#/conditional_permissions"]
    assert put(author, "reader", held=("document.read",)).status == 201
    author.grant(BOB, role="reader")
    by_bob["roles"] += " reader"
    assert author.post(f"/v1/users/{ADA}/grants", read, **by_bob).status == 201
    assert put(author, "mine", OWN_READ, **by_bob).status == 201


def test_a_role_without_mfa_gives_no_conditional_permission(
    author: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert put(author, "writer", parents=("author",)).status == 201
    author.grant(BOB, role="writer")
    assert permitted(author, uid=BOB, resource={"owner": BOB})
    monkeypatch.setenv("MFA_ROLES", "author")
    forget()
    for uid in (ADA, BOB):
        assert not permitted(author, uid=uid, resource={"owner": uid})


def test_a_new_role_does_not_inherit_conditions_that_an_earlier_release_left(
    author: Service,
) -> None:
    """Store an item as a release from before conditions leaves it when it deletes a role."""
    left = {"sk": "COND#order.read", "permission": "order.read", "condition": json.dumps(SMALL)}
    author.put(pk="R#clerk", **left)
    author.put(pk="R#clerk", sk="DELETED", version=3)
    assert put(author, "clerk", OWN_READ).status == 201
    found = author.ask("GET", "/v1/roles/clerk").json
    assert found["conditional_permissions"] == [OWN_READ]


def test_the_audit_trail_distinguishes_the_conditions_1_and_true(author: Service) -> None:
    before, after = ({"==": [{"var": "context.ok"}, value]} for value in (1, True))
    made = put(author, "clerk", {"permission": "order.read", "condition": before})
    changed = put(
        author,
        "clerk",
        {"permission": "order.read", "condition": after},
        etag=made.headers["etag"],
    )
    assert changed.status == 200
    [entry] = [item for item in author.items("AUDIT#") if item["action"] == "role.changed"]
    assert json.loads(entry["changes"])["conditions"] == ["order.read"]
