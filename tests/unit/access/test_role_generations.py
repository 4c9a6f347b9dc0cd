"""Generations of roles: a token gives nothing of a role that was deleted and created again.

A token lists its roles for up to an hour.
"""

from collections.abc import Callable
from typing import Any

import pytest

from atrium.identity import grants, permissions, session, token_size
from atrium.runtime.uuid7 import uuid7
from tests.unit.access.conftest import ADA, ADMIN, BOB, Service
from tests.unit.access.test_attributes import put_namespace
from tests.unit.conftest import forget
from tests.unit.events import claims
from tools.laptop.answer import Answer

NEW: dict[str, Any] = {"If_None_Match": "*"}
ANY: dict[str, Any] = {"If_Match": "*"}


def put_role(service: Service, *held: str, **condition: Any) -> None:
    body = {"description": "Clerk", "permissions": list(held)}
    answer = service.ask("PUT", "/v1/roles/clerk", body, **(condition or NEW))
    assert answer.status < 300, answer.text


def delete_role(service: Service) -> None:
    assert service.ask("DELETE", "/v1/roles/clerk", **ANY).status == 204


@pytest.fixture
def office(service: Service) -> Service:
    """Prepare Ada, whose token lists `clerk`. The role was deleted and created again."""
    for uid in (ADA, BOB):
        service.new_user(uid)
    put_role(service, "access.read")
    delete_role(service)
    put_role(service, "access.read", "access.write")
    assert put_namespace(service, "plan", schema={"type": "object"}, set_by=["clerk"]).status == 201
    return service


def listed(service: Service, **token: str) -> int:
    return ask(service, "GET", "/v1/roles", **token).status


def described(service: Service, **token: str) -> int:
    body = {"description": "x", "schema": {"type": "object"}, "personal": True, "set_by": ["clerk"]}
    return ask(service, "PUT", "/v1/namespaces/plan", body, **token).status


def set_value(service: Service, **token: str) -> int:
    path = f"/v1/users/{BOB}/attributes/plan/x"
    return ask(service, "PUT", path, {"value": 1}, **token, **NEW).status


def ask(service: Service, method: str, path: str, body: Any = None, **more: Any) -> Answer:
    headers = {name: more.pop(name) for name in ("If_None_Match",) if name in more} or ANY
    return service.ask(method, path, body, uid=ADA, roles="clerk", token=more, **headers)


@pytest.mark.parametrize("call", [listed, described, set_value])
def test_a_token_of_a_deleted_role_does_not_grant_a_recreated_one(
    office: Service, call: Callable[..., int]
) -> None:
    assert call(office) in (403, 404)
    assert call(office, role_generations="clerk=1") in (403, 404)
    assert call(office, role_generations="clerk=2") in (200, 201)


def test_a_deleted_role_gives_nothing(office: Service) -> None:
    office.ask("DELETE", "/v1/namespaces/plan", **ANY)
    delete_role(office)
    forget()
    assert listed(office, role_generations="clerk=2") == 403
    assert put_namespace(office, "plan", schema={"type": "object"}).status == 201
    assert set_value(office, role_generations="clerk=2") == 404


def test_a_new_role_counts_although_the_cache_has_the_earlier_one(service: Service) -> None:
    service.new_user(ADA)
    put_role(service, "access.read")
    assert listed(service) == 200
    delete_role(service)
    put_role(service, "access.read")
    assert listed(service, role_generations="clerk=2") == 200


def test_parents_count_in_any_generation(office: Service) -> None:
    body = {"description": "Boss", "permissions": [], "parents": ["clerk"]}
    assert office.ask("PUT", "/v1/roles/boss", body, **NEW).status == 201
    assert office.ask("GET", "/v1/roles", uid=ADA, roles="boss").status == 200


def test_a_role_of_a_route_counts_by_its_generation(office: Service) -> None:
    """Check a route with `x-atrium-allow: [{role: clerk}]`."""
    for roles, told, expected in (
        ("clerk", "", False),
        ("clerk", "clerk=1", False),
        ("clerk", "clerk=2", True),
        ("", "", False),
    ):
        token = claims(uid=ADA, roles=roles, role_generations=told, access_epoch="1")
        assert permissions.has_role(session.verify(token), "clerk") is expected


def test_a_malformed_role_claim_is_refused(office: Service) -> None:
    answer = ask(office, "GET", "/v1/roles", role_generations="clerk=x")
    assert (answer.status, answer.json["code"]) == (401, "token_unusable")


def test_a_grant_stores_the_roles_generation(office: Service) -> None:
    given = office.post(f"/v1/users/{ADA}/grants", {"role": "clerk"})
    assert given.status == 201, given.text
    generations = grants.generations(grants.everywhere(ADA))
    assert generations == {"clerk": 2}
    claim = token_size.generations_claim(["admin", "clerk"], generations)
    assert (claim, token_size.generations(claim)) == ("clerk=2", generations)
    assert token_size.of_roles(["clerk"], generations) == len('"clerk"') + len('"clerk=2"')


def test_the_admin_role_has_no_generation(office: Service) -> None:
    assert office.ask("GET", "/v1/roles", uid=ADMIN).status == 200


def test_overwriting_a_grant_of_an_earlier_role_leaves_no_pointer(office: Service) -> None:
    """Check the pointer: an erasure would not find it, and it never expires."""
    earlier = office.grant(ADA, role="clerk")  # of generation 0
    assert office.post(f"/v1/users/{ADA}/grants", {"role": "clerk"}).status == 201
    assert office.items(f"GRANT#{earlier}") == []


def test_a_recreated_role_is_unknown_to_earlier_invitations(service: Service) -> None:
    put_role(service, "access.read")
    promised = uuid7()
    assert permissions.generation("clerk", promised) == 0
    put_role(service, "access.write", **ANY)
    assert permissions.generation("clerk", promised) == 0, "a change is no new role"
    delete_role(service)
    put_role(service, "access.read")
    assert permissions.generation("clerk", promised) is None
    assert permissions.generation("clerk", uuid7()) == permissions.generation("clerk") == 3
