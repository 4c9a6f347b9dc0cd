"""Delegation by HTTP: callers can only grant rights that they hold, as docs/authorization.md says.

The complete matrix is in tests/security.
"""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atrium.stores import user_table
from tests.unit.access.conftest import ADA, ADMIN, BOB, EVE, Service
from tools.laptop.answer import Answer

CARL = "01890a5d-ac96-774b-bcce-00000000000c"


@pytest.fixture
def office(service: Service) -> Service:
    """Prepare Bob, who manages access and reads documents, and two users, Ada and Eve."""
    for uid in (ADA, BOB, EVE):
        service.new_user(uid)
    for role, held in (
        ("clerk", ["access.write"]),
        ("reader", ["document.read"]),
        ("editor", ["document.write"]),
    ):
        assert put_role(service, role, permissions=held).status == 201
    for role in ("clerk", "reader"):
        service.grant(BOB, role=role)
    return service


def put_role(
    service: Service, role: str, *, by: str = ADMIN, held: str = "admin", **body: Any
) -> Answer:
    known = service.item(f"R#{role}", "META") is not None
    condition: dict[str, Any] = {"If_Match": "*"} if known else {"If_None_Match": "*"}
    draft = {"description": role, "permissions": [], **body}
    return service.ask("PUT", f"/v1/roles/{role}", draft, uid=by, roles=held, **condition)


def grant(service: Service, uid: str, *, by: str = BOB, held: str = "clerk", **body: Any) -> Answer:
    return service.post(f"/v1/users/{uid}/grants", body, uid=by, roles=held)


def change(
    service: Service,
    uid: str,
    name: str,
    end: Any,
    *,
    by: str = BOB,
    held: str = "clerk",
    **more: Any,
) -> Answer:
    body = {"expires_at": end}
    return service.ask(
        "PUT",
        f"/v1/users/{uid}/grants/{name}",
        body,
        uid=by,
        roles=held,
        **{"If_Match": "*"} | more,
    )


def soon() -> int:
    return int(time.time()) + 1000


def after(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


def problem(answer: Answer) -> tuple[int, str, list[str]]:
    errors = answer.json.get("errors", [])
    return answer.status, answer.json["code"], [error["pointer"] for error in errors]


def test_a_caller_can_grant_a_right_they_hold(office: Service) -> None:
    assert grant(office, ADA, role="reader").status == 201
    assert grant(office, ADA, action="read", scope="document:7").status == 201
    assert problem(grant(office, ADA, role="editor")) == (403, "rights_exceeded", ["#/role"])
    assert problem(grant(office, ADA, action="write", scope="document:7")) == (
        403,
        "rights_exceeded",
        ["#/action"],
    )
    assert problem(grant(office, ADA, role="admin")) == (403, "admin_required", ["#/role"])


def test_access_write_does_not_give_every_right(office: Service) -> None:
    """Try attack S2: grant oneself a role with every permission, then disable the administrator."""
    assert problem(
        put_role(office, "mighty", by=BOB, held="clerk", permissions=["users.write"])
    ) == (
        403,
        "rights_exceeded",
        ["#/permissions"],
    )
    assert problem(
        put_role(
            office, "reader", by=BOB, held="clerk", permissions=["document.read", "users.write"]
        )
    )[:2] == (
        403,
        "rights_exceeded",
    )
    assert problem(put_role(office, "mine", by=BOB, held="clerk", parents=["editor"])) == (
        403,
        "rights_exceeded",
        ["#/parents"],
    )
    assert problem(grant(office, BOB, role="reader")) == (403, "own_grant", [])
    own = [item["id"] for item in office.items(f"G#{ADMIN}")]
    path = f"/v1/users/{ADMIN}/grants/{own[0]}"
    assert problem(office.ask("DELETE", path, uid=BOB, roles="clerk", If_Match="*")) == (
        403,
        "admin_required",
        [],
    )


def test_attributes_of_a_user_with_more_rights_are_protected(office: Service) -> None:
    schema = {"type": "object", "properties": {"level": {"type": "string"}}}
    namespace = {"description": "Plans", "schema": schema, "personal": False}
    assert office.ask("PUT", "/v1/namespaces/plan", namespace, If_None_Match="*").status == 201
    body = {"attributes": {"plan": {"level": "gold"}}}

    def set_level(uid: str) -> Answer:
        path = f"/v1/users/{uid}/attributes"
        return office.ask("PATCH", path, body, uid=BOB, roles="clerk", If_Match="*")

    office.grant(EVE, role="editor")
    assert [set_level(uid).status for uid in (ADA, BOB)] == [200, 200]
    assert [problem(set_level(uid))[:2] for uid in (EVE, ADMIN)] == [
        (403, "rights_exceeded"),
        (403, "admin_required"),
    ]


def test_attributes_of_a_user_who_gains_rights_during_the_request_are_protected(
    office: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make Ada an administrator after her rights were compared with Bob's."""
    namespace = {"description": "Plans", "schema": {"type": "object"}, "personal": False}
    assert office.ask("PUT", "/v1/namespaces/plan", namespace, If_None_Match="*").status == 201
    transact, granted = user_table.transact, list[Answer]()

    def be_late(items: Any) -> None:
        if not granted:
            # the first transaction is Bob's; this grant's own transaction is the next
            granted.append(Answer(0, {}, b""))
            granted[0] = grant(office, ADA, by=ADMIN, held="admin", role="admin")
        transact(items)

    with monkeypatch.context() as late:
        late.setattr(user_table, "transact", be_late)
        path, body = f"/v1/users/{ADA}/attributes", {"attributes": {"plan": {"level": "gold"}}}
        refused = office.ask("PATCH", path, body, uid=BOB, roles="clerk", If_Match="*")
    assert granted[0].status == 201, granted[0].text
    assert problem(refused)[:2] == (403, "admin_required")
    assert office.ask("GET", path).json == {"attributes": {}}


def test_a_time_limited_administrator_grants_nothing_permanent(office: Service) -> None:
    """Check finding S7."""
    office.grant(EVE, role="admin", expires_at=soon())
    by: dict[str, Any] = {"by": EVE, "held": "admin"}
    assert problem(grant(office, EVE, role="admin", **by)) == (403, "own_grant", [])
    [own] = [item["id"] for item in office.items(f"G#{EVE}")]
    assert problem(change(office, EVE, own, None, **by)) == (403, "own_grant", [])
    assert problem(grant(office, ADA, role="admin", **by)) == (
        403,
        "rights_exceeded",
        ["#/expires_at"],
    )
    assert grant(office, ADA, role="admin", expires_at=after(500), **by).status == 201
    assert problem(put_role(office, "new", permissions=["a.b"], **by))[:2] == (
        403,
        "rights_exceeded",
    )


def test_a_change_of_the_end_follows_the_rules_of_a_new_grant(office: Service) -> None:
    made = grant(office, ADA, role="reader", expires_at=after(500))
    name, tag = made.json["id"], made.headers["etag"]
    extended = change(office, ADA, name, None, If_Match=tag)
    assert (extended.status, extended.json["expires_at"], extended.json["version"]) == (
        200,
        None,
        2,
    )
    assert (
        office.ask("GET", f"/v1/users/{ADA}/grants/{name}").headers["etag"]
        == extended.headers["etag"]
        != tag
    )
    assert change(office, ADA, name, after(100), If_Match=tag).status == 412
    shortened = change(office, ADA, name, after(100))
    assert shortened.status == 200
    assert [item["id"] for item in office.items("ON#")] == []
    assert {item["gsi2pk"][:4] for item in office.items(f"G#{ADA}")} == {"EXP#"}
    assert office.epoch(ADA) == 4, "each change ends tokens"
    assert office.ask("PUT", f"/v1/users/{ADA}/grants/{name}", {"expires_at": None}).status == 428
    assert problem(change(office, ADA, name, after(-5))) == (
        422,
        "validation_failed",
        ["#/expires_at"],
    )
    assert change(office, EVE, name, None).status == 404


def test_the_last_administrators_grant_cannot_get_an_end(office: Service) -> None:
    office.delete("R#admin")
    made = grant(office, ADA, by=ADMIN, held="admin", role="admin")
    assert made.status == 201
    refused = change(office, ADA, made.json["id"], after(100), by=ADMIN, held="admin")
    assert (refused.status, refused.json["code"]) == (409, "last_admin")
    other = grant(office, BOB, by=ADMIN, held="admin", role="admin").json["id"]
    assert change(office, ADA, made.json["id"], after(100), by=ADMIN, held="admin").status == 200
    holders = office.item("R#admin", "HOLDERS")
    assert holders is not None
    assert holders["uids"] == [BOB]
    assert change(office, ADA, made.json["id"], None, by=ADMIN, held="admin").status == 200
    assert change(office, BOB, other, after(100), by=ADMIN, held="admin").status == 200


def test_an_expired_grant_can_be_made_again_and_its_pointer_is_404(office: Service) -> None:
    old = office.grant(ADA, "document:7", role="reader", expires_at=int(time.time()) - 1)
    new = grant(office, ADA, role="reader", scope="document:7")
    assert new.status == 201
    path = f"/v1/users/{ADA}/grants"
    assert [office.ask("GET", f"{path}/{name}").status for name in (old, new.json["id"])] == [
        404,
        200,
    ]
    assert office.ask("DELETE", f"{path}/{old}", If_Match="*").status == 404
    assert office.ask("GET", f"/v1/users/{BOB}/grants/{new.json['id']}").status == 404


def test_a_lead_assigns_a_role_without_holding_it(office: Service) -> None:
    assert put_role(office, "lead", permissions=["access.write"]).status == 201
    made = put_role(office, "editor", permissions=["document.write"], assignable_by=["lead"])
    assert (made.status, made.json["assignable_by"]) == (200, ["lead"])
    office.grant(EVE, role="lead")
    by: dict[str, Any] = {"by": EVE, "held": "lead"}
    name = grant(office, ADA, role="editor", **by).json["id"]
    assert grant(office, ADA, role="editor", scope="document:7", **by).status == 201
    assert problem(grant(office, ADA, action="write", scope="document:7", **by))[:2] == (
        403,
        "rights_exceeded",
    )
    assert problem(grant(office, EVE, role="editor", **by)) == (403, "own_grant", [])
    assert problem(put_role(office, "editor", assignable_by=["lead"], **by))[:2] == (
        403,
        "rights_exceeded",
    )
    path = f"/v1/users/{ADA}/grants/{name}"
    assert office.ask("DELETE", path, uid=EVE, roles="lead", If_Match="*").status == 204
    # Otherwise somebody with the role `lead` could let an accomplice grant `editor`.
    office.new_user(CARL)
    assert problem(grant(office, CARL, role="lead")) == (403, "rights_exceeded", ["#/role"])


def test_assignable_by_names_roles(office: Service) -> None:
    refused = put_role(office, "editor", assignable_by=["nobody", "admin"])
    assert problem(refused) == (
        422,
        "validation_failed",
        ["#/assignable_by/0", "#/assignable_by/1"],
    )
    assert put_role(office, "editor", assignable_by=["reader"]).status == 200
    held = office.ask("DELETE", "/v1/roles/reader", If_Match="*")
    assert (held.status, held.json["code"]) == (409, "role_in_use")


def test_rights_gained_during_the_request_count(
    office: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Make Ada an administrator while her rights are compared with Bob's: his grant is refused."""
    from atrium.stores import user_table

    transact, done = user_table.transact, list[Any]()

    def late(items: Any) -> None:
        if not done:
            done.append(items)
            with monkeypatch.context() as patch:
                patch.setattr(user_table, "transact", transact)
                office.grant(ADA, role="admin")
                office.table.update_item(
                    TableName="atrium-test-UserAttributes",
                    Key={"pk": {"S": f"U#{ADA}"}, "sk": {"S": "META"}},
                    UpdateExpression="ADD version :one",
                    ExpressionAttributeValues={":one": {"N": "1"}},
                )
        transact(items)

    monkeypatch.setattr(user_table, "transact", late)
    assert problem(grant(office, ADA, role="reader")) == (403, "admin_required", [])


@pytest.fixture
def billing(office: Service) -> Service:
    """Prepare the namespace `plan`, which is in tokens, and the role `billing`, which may set it.

    No permission of the role shows this right.
    """
    assert put_role(office, "billing").status == 201
    assert put_plan(office, set_by=["billing"], If_None_Match="*").status == 201
    return office


def put_plan(service: Service, *, by: str = ADMIN, set_by: list[str], **headers: Any) -> Answer:
    body = {"description": "plan", "schema": {"type": "object"}, "personal": False}
    body |= {"in_token": True, "set_by": set_by}
    return service.ask("PUT", "/v1/namespaces/plan", body, uid=by, roles="admin", **headers)


def test_only_an_administrator_extends_a_grant_of_a_role_that_sets_trusted_attributes(
    billing: Service,
) -> None:
    given = billing.grant(ADA, role="billing", expires_at=soon())
    assert problem(change(billing, ADA, given, None)) == (403, "admin_required", [])
    assert change(billing, ADA, given, None, by=ADMIN, held="admin").status == 200


def test_a_time_limited_administrator_cannot_allow_setting_trusted_attributes_without_end(
    billing: Service,
) -> None:
    billing.grant(EVE, role="admin", expires_at=soon())
    by: dict[str, Any] = {"by": EVE, "held": "admin"}
    assert problem(grant(billing, ADA, role="billing", **by)) == (403, "admin_required", [])
    assert grant(billing, ADA, role="billing", expires_at=after(500), **by).status == 201
    refused = put_plan(billing, by=EVE, set_by=["billing", "reader"], If_Match="*")
    assert problem(refused) == (403, "admin_required", [])
    gone = billing.ask("DELETE", "/v1/namespaces/plan", uid=EVE, roles="admin", If_Match="*")
    assert problem(gone) == (403, "admin_required", [])
    assert put_plan(billing, by=EVE, set_by=["billing"], If_Match="*").status == 200
    assert put_plan(billing, set_by=["billing", "reader"], If_Match="*").status == 200
