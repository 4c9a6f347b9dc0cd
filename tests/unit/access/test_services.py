"""Machine callers: registration, tokens, roles, grants and revocation."""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import pg8000.native
import pytest

from access import handler as access
from atrium.identity import services
from atrium.identity.cognito_trigger import RefusalError
from atrium.stores import user_table
from pre_token_generation.handler import handler as generate
from register_service.handler import handler as register
from register_service.registration import RoleNotFoundError
from tests.unit.access.conftest import ADA, ADMIN, Service, _route
from tests.unit.events import POOL, Context, answer, api_event
from tools.laptop.answer import Answer

CLIENT = "1example23456789machine"
PROVIDER = f"cognito:{POOL}"
UID = services.uid_of(PROVIDER, CLIENT)
SCOPES = ["atrium/access.read", "atrium/access.write", "atrium/me"]

pytestmark = pytest.mark.usefixtures("contract")


def registered(*roles: str, status: str = "active") -> dict[str, Any]:
    return register(
        {"provider": PROVIDER, "client_id": CLIENT, "roles": list(roles), "status": status}
    )


def token(scopes: list[str] | None = None, client: str = CLIENT) -> dict[str, str]:
    """Return the claims of a new token as the authorizer passes them on.

    Tokens of a machine have neither `origin_jti` nor `username`. The trigger's changes are
    included.
    """
    asked = SCOPES if scopes is None else scopes
    event = {
        "version": "3",
        "region": "eu-central-1",
        "userPoolId": POOL,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client},
        "triggerSource": "TokenGeneration_ClientCredentials",
        "request": {"userAttributes": {}, "groupConfiguration": {}, "scopes": asked},
        "response": {"claimsAndScopeOverrideDetails": None},
    }
    details = generate(event, Context())["response"]["claimsAndScopeOverrideDetails"]
    changes = details["accessTokenGeneration"]
    assert "scopesToAdd" not in changes, "Terraform's scopes are the most that a token can have"
    kept = [scope for scope in asked if scope not in changes["scopesToSuppress"]]
    return {
        "sub": client,
        "client_id": client,
        "token_use": "access",
        "scope": " ".join(kept),
        "auth_time": str(int(time.time())),
        "jti": "7e7a1bd1-0000-4000-8000-00000000000f",
        "version": "2",
        **changes["claimsToAddOrOverride"],
    }


def ask(
    held: Mapping[str, str], method: str, path: str, body: Any = None, **headers: str
) -> Answer:
    resource, variables = _route(method, path)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        sent["Content-Type"] = "application/json"
    content = None if body is None else json.dumps(body)
    event = api_event(f"{method} {resource}", content, sent, token=held)
    event["pathParameters"] = variables or None
    event["path"] = event["requestContext"]["path"] = path
    return answer(access.handler(event, Context()))


def decides(service: Service, subject: str, uid: str = UID, order: str = "7") -> bool:
    body = {
        "subject": {"type": subject, "id": uid},
        "action": {"name": "read"},
        "resource": {"type": "orders", "id": order},
    }
    decided: bool = service.ask("POST", "/access/v1/evaluation", body).json["decision"]
    return decided


@pytest.fixture
def clerk(database: pg8000.native.Connection, service: Service) -> Service:
    """Register a service with the role that reads rights."""
    service.new_role("clerk", "access.read", "orders.read")
    assert registered("clerk") == {"uid": UID, "granted": ["clerk"], "revoked": []}
    return service


def test_a_service_calls_the_api_with_its_roles(clerk: Service) -> None:
    held = token()
    assert (held["uid"], held["roles"], held["subject_type"]) == (UID, "clerk", "service")
    assert held["scope"].split() == ["atrium/access.read", "atrium/me"], "not access.write"
    assert ask(held, "GET", f"/v1/users/{ADMIN}/grants").status == 200
    refused = ask(held, "PUT", "/v1/roles/other", {"permissions": []})
    assert (refused.status, refused.json["code"]) == (403, "insufficient_scope")


def test_a_service_can_request_fewer_scopes(clerk: Service) -> None:
    assert token(["atrium/me"])["scope"] == "atrium/me"


def test_an_unregistered_client_gets_no_token(clerk: Service) -> None:
    with pytest.raises(RefusalError, match="not registered"):
        token(client="1example23456789unknown")


def test_a_decision_knows_services_as_subjects(clerk: Service) -> None:
    assert decides(clerk, "service")
    assert not decides(clerk, "user"), "a service is no user"
    clerk.new_user(ADA)
    clerk.grant(ADA, role="clerk")
    assert decides(clerk, "user", ADA)
    assert not decides(clerk, "service", ADA), "a user is no service"


def test_a_search_finds_services_or_users(clerk: Service) -> None:
    clerk.new_user(ADA)
    clerk.grant(ADA, role="clerk")
    body = {"action": {"name": "read"}, "resource": {"type": "orders", "id": "7"}}

    def found(kind: str) -> list[str]:
        asked = {**body, "subject": {"type": kind}}
        results = clerk.ask("POST", "/access/v1/search/subject", asked).json["results"]
        assert {each["type"] for each in results} <= {kind}
        return [each["id"] for each in results]

    assert found("service") == [UID]
    assert set(found("user")) == {ADMIN, ADA}
    assert found("robot") == []


def test_a_service_can_get_grants_by_the_api(clerk: Service) -> None:
    new = {"action": "cancel", "scope": "orders:7"}
    granted = clerk.post(f"/v1/users/{UID}/grants", new)
    assert granted.status == 201, granted.text
    asked = {
        "subject": {"type": "service", "id": UID},
        "action": {"name": "cancel"},
        "resource": {"type": "orders", "id": "7"},
    }
    assert clerk.ask("POST", "/access/v1/evaluation", asked).json["decision"]


def test_a_service_never_becomes_an_administrator(clerk: Service) -> None:
    refused = clerk.post(f"/v1/users/{UID}/grants", {"role": "admin"})
    assert refused.status == 422
    assert refused.json["errors"][0]["detail"] == "A service cannot hold the role `admin`."
    with pytest.raises(ValueError, match="roles: a service cannot hold the role admin"):
        registered("admin")


def test_a_revoked_role_ends_changes_at_once_and_reads_soon(
    clerk: Service, clock: Callable[[float], None]
) -> None:
    clerk.new_role("editor", "access.read", "access.write")
    registered("editor")
    held = token()
    assert ask(held, "GET", f"/v1/users/{ADMIN}/grants").status == 200
    [grant] = clerk.ask("GET", f"/v1/users/{UID}/grants").json["items"]
    path = f"/v1/users/{UID}/grants/{grant['id']}"
    assert clerk.ask("DELETE", path, If_Match="*").status == 204
    changing = {"permissions": ["orders.read"]}
    stale = ask(held, "PUT", "/v1/roles/other", changing, If_None_Match="*")
    assert (stale.status, stale.json["code"]) == (401, "token_stale")
    clock(31)
    assert ask(held, "GET", f"/v1/users/{ADMIN}/grants").status == 401


def test_a_disabled_service_gets_no_token_and_its_tokens_end(
    clerk: Service, clock: Callable[[float], None]
) -> None:
    held = token()
    assert ask(held, "GET", f"/v1/users/{ADMIN}/grants").status == 200
    assert registered("clerk", status="disabled") == {"uid": UID, "granted": [], "revoked": []}
    with pytest.raises(RefusalError, match="disabled"):
        token()
    clock(31)
    assert ask(held, "GET", f"/v1/users/{ADMIN}/grants").status == 401
    assert not decides(clerk, "service")
    registered("clerk")
    assert ask(token(), "GET", f"/v1/users/{ADMIN}/grants").status == 200


def test_a_service_can_be_disabled_although_a_declared_role_is_gone(clerk: Service) -> None:
    assert registered("clerk", "gone", status="disabled")["granted"] == []
    with pytest.raises(RefusalError, match="disabled"):
        token()
    with pytest.raises(RoleNotFoundError):
        registered("clerk", "gone")


def test_a_registration_follows_what_is_declared(
    clerk: Service, database: pg8000.native.Connection
) -> None:
    assert registered("clerk") == {"uid": UID, "granted": [], "revoked": []}
    clerk.new_role("reader", "orders.read")
    clerk.post(f"/v1/users/{UID}/grants", {"role": "reader"})
    clerk.new_role("writer", "orders.write")
    assert registered("writer") == {"uid": UID, "granted": ["writer"], "revoked": ["clerk"]}
    assert token()["roles"] == "reader writer", "a grant that was made in the API stays"
    trail = [item for item in clerk.items("AUDIT#") if item["actor"] == "operator"]
    assert sorted(
        [each["actor"], each["action"], json.loads(each["changes"])["role"]] for each in trail
    ) == [
        ["operator", "role.granted", "clerk"],
        ["operator", "role.granted", "writer"],
        ["operator", "role.revoked", "clerk"],
    ]


@pytest.mark.parametrize("lasts", ["an hour", "until its role was deleted"])
def test_an_expiring_grant_does_not_replace_a_declared_role(clerk: Service, lasts: str) -> None:
    clerk.new_role("reader", "orders.read")
    ends: dict[str, Any] = {"expires_at": int(time.time()) + 3600} if lasts == "an hour" else {}
    clerk.grant(UID, role="reader", **ends)
    if not ends:
        clerk.put(pk="R#reader", sk="META", version=2, generation=2, parents=[])
    assert registered("clerk", "reader") == {"uid": UID, "granted": ["reader"], "revoked": []}
    held = token()
    assert (held["roles"], "roles_until" in held) == ("clerk reader", False)
    assert registered("clerk", "reader") == {"uid": UID, "granted": [], "revoked": []}


def test_a_declared_role_must_exist(clerk: Service) -> None:
    with pytest.raises(RoleNotFoundError, match="The role clrek does not exist"):
        registered("clerk", "clrek")
    assert token()["roles"] == "clerk"


def test_a_user_cannot_pass_for_a_service(clerk: Service) -> None:
    """Check `subject_type`: only our trigger sets it, and a user's token without a session is
    refused.
    """
    held = token()
    del held["subject_type"]
    refused = ask(held, "GET", f"/v1/users/{ADMIN}/grants")
    assert (refused.status, refused.json["code"]) == (401, "token_unusable")


def test_a_service_has_no_session_record(clerk: Service) -> None:
    assert ask(token(), "GET", f"/v1/users/{ADMIN}/grants").status == 200
    assert clerk.items(f"S#{UID}") == []


def test_a_service_gets_no_token_while_the_table_is_down(
    clerk: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(_: str) -> None:
        raise user_table.TableUnavailableError("down")

    monkeypatch.setattr(user_table, "meta", down)
    with pytest.raises(RefusalError, match="internal error"):
        token()
