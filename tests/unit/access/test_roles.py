"""Roles by HTTP."""

import itertools
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
import pytest

from access import role_graph, roles
from atrium.identity import permissions
from atrium.stores import user_table
from tests.unit.access.conftest import ADA, ADMIN, Service
from tests.unit.concurrent_writers import Crowd
from tests.unit.conftest import forget
from tools.laptop.answer import Answer

DOCUMENT = {"type": "document", "id": "7"}


def put(
    service: Service,
    role: str,
    *held: str,
    parents: tuple[str, ...] = (),
    etag: str | None = None,
    **more: Any,
) -> Answer:
    body = {"description": f"A {role}", "permissions": list(held), "parents": list(parents), **more}
    condition: dict[str, Any] = {"If_Match": etag} if etag else {"If_None_Match": "*"}
    return service.ask("PUT", f"/v1/roles/{role}", body, **condition)


def test_a_role_is_created_read_changed_and_deleted(service: Service) -> None:
    made = put(service, "reader", "document.read", "document.list")
    assert (made.status, made.json["permissions"]) == (201, ["document.list", "document.read"])
    read = service.ask("GET", "/v1/roles/reader")
    assert (read.json, read.headers["etag"]) == (made.json, made.headers["etag"])
    changed = put(service, "reader", "document.read", "order.read", etag=read.headers["etag"])
    assert (changed.status, changed.json["version"]) == (200, 2)
    assert service.ask("GET", "/v1/roles/reader").json == changed.json
    gone = service.ask("DELETE", "/v1/roles/reader", If_Match=changed.headers["etag"])
    assert (gone.status, service.ask("GET", "/v1/roles/reader").status) == (204, 404)
    assert service.items("R#reader") == [{"pk": "R#reader", "sk": "DELETED", "version": 2}]


def test_a_grant_made_during_the_deletion_does_not_grant_a_recreated_role(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Write the grant after the deletion has read the role's holders, and before it deletes."""
    service.new_user(ADA)
    put(service, "reader", "document.read")
    transact, granted = user_table.transact, list[Answer]()

    def be_late(items: Any) -> None:
        if not granted:
            granted.append(
                Answer(0, {}, b"")
            )  # the first transaction is the deletion's; this grant's own transaction is the next
            granted[0] = service.post(
                f"/v1/users/{ADA}/grants", {"role": "reader", "scope": "document:7"}
            )
        transact(items)

    with monkeypatch.context() as late:
        late.setattr(user_table, "transact", be_late)
        assert service.ask("DELETE", "/v1/roles/reader", If_Match="*").status == 204
    assert granted[0].status == 201
    again = put(service, "reader", "document.read", "document.list")
    assert (again.status, again.json["version"], again.json["permissions"]) == (
        201,
        2,
        ["document.list", "document.read"],
    )
    changed = put(service, "reader", "document.read", etag=again.headers["etag"])
    assert changed.json["version"] == 3
    for _ in range(2):  # with a warm cache, then in a new container
        assert not is_permitted(service)
        assert found(service) == [ADMIN]
        forget()
    assert (
        service.post(f"/v1/users/{ADA}/grants", {"role": "reader", "scope": "document:7"}).status
        == 201
    )
    assert is_permitted(service)
    assert found(service) == [ADMIN, ADA]


def test_a_role_deleted_while_it_is_granted_is_not_granted(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Delete the role after the grant has read it and before the grant is written.

    Afterwards a new role may have the name.
    """
    for comes_back, status in ((False, 422), (True, 201)):
        service.new_user(ADA)
        put(service, "reader", "document.read")
        transact, writes = user_table.transact, itertools.count()

        def be_late(items: Any) -> None:
            if next(writes) == 0:  # noqa: B023
                assert service.ask("DELETE", "/v1/roles/reader", If_Match="*").status == 204
                if comes_back:  # noqa: B023
                    put(service, "reader", "document.read")
            transact(items)  # noqa: B023

        with monkeypatch.context() as late:
            late.setattr(user_table, "transact", be_late)
            granted = service.post(
                f"/v1/users/{ADA}/grants", {"role": "reader", "scope": "document:7"}
            )
        assert (granted.status, is_permitted(service)) == (status, comes_back), granted.text


def is_permitted(service: Service) -> bool:
    question = {
        "subject": {"type": "user", "id": ADA},
        "action": {"name": "read"},
        "resource": DOCUMENT,
    }
    return bool(service.ask("POST", "/access/v1/evaluation", question).json["decision"])


def found(service: Service) -> list[str]:
    search = {"subject": {"type": "user"}, "action": {"name": "read"}, "resource": DOCUMENT}
    return [
        each["id"]
        for each in service.ask("POST", "/access/v1/search/subject", search).json["results"]
    ]


def test_the_largest_change_of_a_role_fits_into_one_transaction(service: Service) -> None:
    """Replace all permissions at once. The transaction also holds the caller's condition."""
    before, after = (
        [f"{kind}.p{number}" for number in range(roles.MAX_PERMISSIONS)] for kind in ("old", "new")
    )
    made = put(service, "large", *before)
    changed = put(service, "large", *after, etag=made.headers["etag"])
    assert (changed.status, changed.json["permissions"]) == (200, sorted(after))
    assert service.ask("DELETE", "/v1/roles/large", If_Match="*").status == 204


def test_if_match_and_if_none_match_of_a_role_are_checked(service: Service) -> None:
    first = put(service, "reader").headers["etag"]
    assert put(service, "reader").json["code"] == "role_exists"
    assert put(service, "writer", etag='"1-0"').status == 412
    assert put(service, "writer", etag="*").json["code"] == "role_not_found"
    put(service, "reader", etag=first)
    assert put(service, "reader", etag=first).status == 412
    assert service.ask("DELETE", "/v1/roles/reader", If_Match=first).status == 412
    assert service.ask("DELETE", "/v1/roles/reader").status == 428
    assert (
        service.ask("PUT", "/v1/roles/reader", {"description": "x", "permissions": []}).status
        == 428
    )


def test_cycles_are_refused(service: Service) -> None:
    put(service, "a")
    put(service, "b", parents=("a",))
    put(service, "c", parents=("b",))
    refused = put(service, "a", parents=("c",), etag="*")
    assert (refused.status, refused.json["errors"]) == (
        422,
        [{"pointer": "#/parents/0", "detail": "This role already builds on a"}],
    )
    assert put(service, "d", parents=("a", "d")).status == 422


def test_depth_is_limited_towards_parents_and_children(service: Service) -> None:
    for number in range(role_graph.MAX_DEPTH):
        assert (
            put(service, f"r{number}", parents=(f"r{number - 1}",) if number else ()).status == 201
        )
    assert put(service, "more", parents=(f"r{role_graph.MAX_DEPTH - 1}",)).status == 422
    put(service, "base")
    lengthened = put(service, "r0", parents=("base",), etag="*")
    assert (lengthened.status, lengthened.json["errors"][0]["pointer"]) == (422, "#/parents")


def test_an_unknown_role_and_admin_cannot_be_parents(service: Service) -> None:
    refused = put(service, "a", parents=("nobody", "admin"))
    assert (refused.status, refused.json["errors"]) == (
        422,
        [
            {"pointer": "#/parents/0", "detail": "This role does not exist"},
            {
                "pointer": "#/parents/1",
                "detail": "A role cannot build on admin; grant admin itself",
            },
        ],
    )


def test_a_role_with_the_parent_admin_gets_nothing_from_it(service: Service) -> None:
    """Write such a role directly into the table."""
    service.new_role("chief", parents=["admin"])
    service.new_user(ADA)
    service.grant(ADA, role="chief")
    assert service.ask("GET", "/v1/roles", uid=ADA, roles="chief").status == 403
    question = {
        "subject": {"type": "user", "id": ADA},
        "action": {"name": "read"},
        "resource": {"type": "a", "id": "1"},
    }
    assert service.ask("POST", "/access/v1/evaluation", question).json["decision"] is False


def test_expired_grants_do_not_prevent_a_roles_deletion(service: Service) -> None:
    put(service, "reader")
    service.new_user(ADA)
    for ended in range(3):
        service.grant(ADA, f"document:{ended}", role="reader", expires_at=int(time.time()) - ended)
    assert service.ask("DELETE", "/v1/roles/reader", If_Match="*").status == 204


def test_two_concurrent_changes_cannot_close_a_cycle(
    service: Service, patient_crowd: Crowd
) -> None:
    for role in ("a", "b"):
        put(service, role)
    changes = [
        partial(put, service, role, parents=(other,), etag="*")
        for role, other in itertools.permutations(("a", "b"))
    ]
    assert sorted(each.status for each in patient_crowd.at_once(changes)) == [200, 422]


def test_a_role_in_use_cannot_be_deleted(service: Service) -> None:
    put(service, "reader")
    put(service, "writer", parents=("reader",))
    service.new_user(ADA)
    grant = service.grant(ADA, "document:7", role="writer")
    for role in ("reader", "writer"):
        refused = service.ask("DELETE", f"/v1/roles/{role}", If_Match="*")
        assert (refused.status, refused.json["code"]) == (409, "role_in_use")
    assert service.ask("DELETE", f"/v1/users/{ADA}/grants/{grant}", If_Match="*").status == 204
    assert [
        service.ask("DELETE", f"/v1/roles/{role}", If_Match="*").status
        for role in ("writer", "reader")
    ] == [
        204,
        204,
    ]


def test_the_number_of_roles_is_limited(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(role_graph, "MAX_ROLES", 2)
    assert [put(service, role).status for role in ("a", "b")] == [201, 201]
    refused = put(service, "c")
    assert (refused.status, refused.json["code"]) == (409, "too_many_roles")
    assert refused.json["detail"] == "There can be at most 2 roles. Delete unused roles first."
    assert put(service, "a", etag="*").status == 200


@pytest.mark.parametrize("field", ["parents", "assignable_by"])
def test_a_change_of_a_role_cannot_exceed_the_graphs_limit(
    service: Service, monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """Check PUT as well as creation. A graph that is too large may still shrink."""
    for role in ("a", "b", "c"):
        put(service, role)
    made: Any = {field: ("a", "b")}
    assert put(service, "d", **made).status == 201
    monkeypatch.setattr(role_graph, "MAX_BYTES", 7)
    refused = put(service, "d", etag="*", **{field: ("a", "b", "c")})
    assert (refused.status, refused.json["code"]) == (409, "too_many_roles"), refused.text
    assert "the maximum is 7" in refused.json["detail"]
    for fewer in (("b", "c"), ("b",), ()):
        assert put(service, "d", etag="*", **{field: fewer}).status == 200


def test_the_largest_graph_fits_into_an_item() -> None:
    """Compute the size, which DynamoDB limits to 400 KB.

    It counts names, values, 3 bytes for each map or list, and 1 for each member:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
    """
    graph = {
        f"{number:03}{'x' * 60}": [f"{number:03}"] * 20 for number in range(role_graph.MAX_ROLES)
    }
    bytes_of = sum(
        len(role) + 1 + 3 + sum(len(name) + 1 for name in above) for role, above in graph.items()
    )
    assert bytes_of <= len(msgspec.json.encode(graph))
    assert role_graph.MAX_BYTES < 400 * 1024 - 1024


@pytest.mark.parametrize(
    ("role", "fits", "exceeds"),
    [
        ("mid", {"parents": ("low", "b")}, {"parents": ("low", "b", "c")}),
        # `low` is below `mid`, which would reach too many roles
        ("low", {"parents": ("a", "b")}, {"parents": ("a", "b", "c")}),
        ("b", {"assignable_by": ("mid",)}, {"assignable_by": ("mid",), "parents": ("c",)}),
        # `boss` may assign `b`, and so on
        ("boss", {"assignable_by": ("c",)}, {"assignable_by": ("c", "mid")}),
    ],
)
def test_a_role_reaches_a_bounded_number_of_roles(
    service: Service, monkeypatch: pytest.MonkeyPatch, role: str, fits: Any, exceeds: Any
) -> None:
    """Check the limit, because a request reads all ancestors and assignable roles."""
    monkeypatch.setattr(role_graph, "MAX_REACH", 3)
    for name in ("a", "b", "c", "boss"):
        put(service, name)
    put(service, "low", parents=("a",))
    put(service, "mid", parents=("low",))
    if role == "boss":
        put(service, "b", assignable_by=("boss",), etag="*")
    assert put(service, role, etag="*", **fits).status == 200
    refused = put(service, role, etag="*", **exceeds)
    pointer = "#/parents" if "parents" in exceeds else "#/assignable_by"
    detail = "mid would build on or may assign more than 3 roles in total"
    assert (refused.status, refused.json["errors"]) == (
        422,
        [{"pointer": pointer, "detail": detail}],
    )


def test_the_largest_graph_is_checked_in_bounded_steps() -> None:
    """Check 1,000 roles, each of which reaches as many others as the limit allows."""
    names = [f"r{number}" for number in range(role_graph.MAX_ROLES)]
    parents = {name: names[max(0, place - 20) : place] for place, name in enumerate(names)}
    visited: list[str] = []

    class Watched(dict[str, set[str]]):
        def get(self, role: str, default: Any = None) -> Any:
            visited.append(role)
            return super().get(role, default)

    nearest = Watched({role: set(above) for role, above in parents.items()})
    assert all(role_graph._reaches_far(name, nearest) for name in names[200:])
    assert len(visited) <= 800 * (role_graph.MAX_REACH + 2)


def test_reads_notice_a_change_of_a_role_within_thirty_seconds(
    service: Service, clock: Callable[[float], None]
) -> None:
    """Check the cache that reads use. Changes read the table each time."""
    service.new_user(ADA)
    put(service, "clerk", "access.read", "access.write")
    by_ada: dict[str, Any] = {"uid": ADA, "roles": "clerk"}

    def read() -> int:
        return service.ask("GET", "/v1/roles", **by_ada).status

    def change() -> int:
        body = {"description": "x", "permissions": []}
        return service.ask("PUT", "/v1/roles/other", body, **by_ada, If_None_Match="*").status

    for held, before, after in (([], 200, 403), (["access.read", "access.write"], 403, 200)):
        assert read() == before
        put(service, "clerk", *held, etag="*")
        assert (change() == 403) is (after == 403)
        clock(permissions.CACHE_SECONDS - 1)
        assert read() == before, "the cache answers: at most this late"
        clock(1)
        assert read() == after
    assert permissions.CACHE_SECONDS == 30


def test_admin_is_built_in(service: Service) -> None:
    assert service.ask("GET", "/v1/roles/admin").json["permissions"] == []
    assert put(service, "admin", etag="*").json["code"] == "role_built_in"
    assert service.ask("DELETE", "/v1/roles/admin", If_Match="*").status == 409


def test_the_list_comes_in_pages(service: Service) -> None:
    for role in ("c", "a", "b"):
        put(service, role)
    first = service.ask("GET", "/v1/roles", query={"limit": "2"}).json
    assert [each["role"] for each in first["items"]] == ["a", "b"]
    second = service.ask(
        "GET", "/v1/roles", query={"limit": "2", "cursor": first["next_cursor"]}
    ).json
    assert ([each["role"] for each in second["items"]], second["next_cursor"]) == (["c"], None)


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"description": "x"}, ["#/permissions"]),
        (
            {"description": "x", "permissions": ["read", "a.b\n"]},
            ["#/permissions/0", "#/permissions/1"],
        ),
        ({"description": "x", "permissions": ["a.b", "a.b"]}, ["#/permissions/1"]),
        (
            {"description": "", "permissions": [], "parents": ["A"]},
            ["#/description", "#/parents/0"],
        ),
    ],
)
def test_every_invalid_field_is_named(service: Service, body: Any, pointers: list[str]) -> None:
    refused = service.ask("PUT", "/v1/roles/reader", body, If_None_Match="*")
    assert (refused.status, sorted(error["pointer"] for error in refused.json["errors"])) == (
        422,
        pointers,
    )


def test_a_change_is_in_the_audit_trail(service: Service) -> None:
    put(service, "reader", "a.b")
    put(service, "reader", "a.c", etag="*")
    service.ask("DELETE", "/v1/roles/reader", If_Match="*")
    trail = sorted(service.items("AUDIT#"), key=lambda item: str(item["pk"]))
    assert [item["action"] for item in trail] == ["role.created", "role.changed", "role.deleted"]
    assert trail[1]["changes"] == '{"role":"reader","added":["a.c"],"taken":["a.b"],"parents":[]}'


def test_the_graphs_size_is_computed_in_one_visit_for_each_role() -> None:
    """Check seven levels of twenty roles, which have 20^7 paths to the top.

    A holder of `access.write` can create them from empty roles.
    """
    visited: list[str] = []

    class Watched(dict[str, list[str]]):
        def get(self, role: str, default: Any = None) -> Any:
            visited.append(role)
            assert len(visited) <= len(self), "a role is visited again"
            return super().get(role, default)

    levels = [[f"level{level}-{place}" for place in range(20)] for level in range(7)]
    graph = Watched({role: above for own, above in itertools.pairwise(levels) for role in own})
    graph |= {role: [] for role in levels[-1]}
    assert role_graph.height(graph) == 7
