"""Routes for roles: their permissions and the roles that they build on.

`access/role_items.py` describes the items.
"""

from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from access import role_graph, role_items
from access.names import Permission, RoleName
from access.role_graph import Graph
from access.role_items import ConditionalPermission, Role, Summary
from atrium.http import etag, response
from atrium.http.problem import FieldError, ParameterError, Problem, invalid_parameters
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.identity import grant_items, rights
from atrium.identity.delegation import Delegation
from atrium.identity.permissions import ADMIN
from atrium.paging import pages
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

MAX_PERMISSIONS = 45
"""A change writes each added or removed permission, and a transaction has 100 items.

Permissions with and without a condition count together.
"""
MAX_PARENTS = 20
MAX_ASSIGNERS = 20


class NewConditionalPermission(msgspec.Struct, forbid_unknown_fields=True):
    permission: Permission
    condition: dict[str, Any]


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    description: Line
    permissions: Annotated[list[Permission], Meta(max_length=MAX_PERMISSIONS)]
    parents: Annotated[list[RoleName], Meta(max_length=MAX_PARENTS)] = msgspec.field(
        default_factory=list
    )
    assignable_by: Annotated[list[RoleName], Meta(max_length=MAX_ASSIGNERS)] = msgspec.field(
        default_factory=list
    )
    conditional_permissions: Annotated[
        list[NewConditionalPermission], Meta(max_length=MAX_PERMISSIONS)
    ] = msgspec.field(default_factory=list)


def list_(request: Request) -> Response:
    page = pages.requested(request)
    [after] = page.after or [None]
    key = (
        None
        if after is None
        else {"pk": f"R#{after}", "sk": "META", "gsi1pk": "ROLES", "gsi1sk": after}
    )
    items = user_table.query("ROLES", index="GSI1", after=key, page=page.limit + 1)
    found = [
        Summary(item["gsi1sk"], item["description"], item["parents"])
        for item in islice(items, page.limit + 1)
    ]
    return pages.answer(request, page, found, key=lambda role: (role.role,))


def read(request: Request) -> Response:
    found = role_items.find(_name(request))
    if found is None:
        raise _not_found()
    return _representation(found)


def put(request: Request) -> Response:
    """Create with `If-None-Match: *`, replace with `If-Match`."""
    name, draft = _name(request), request.decode(Draft)
    is_new = request.headers.get("if-none-match", "").strip() == "*"
    versions = None if is_new else etag.expected_versions(request)
    _refuse_built_in(name)
    _refuse_twice(draft)
    _check_conditions(draft)
    delegation = Delegation(request.caller)

    def write() -> Role:
        before, graph = role_items.find(name), role_graph.read()
        if is_new and before:
            raise Problem(
                412, "role_exists", "This role already exists. Use If-Match to replace it."
            )
        if not is_new:
            before = _expected(before, versions)
        _check_graph(graph, name, draft)
        delegation.check_role(name, _rights(before), _rights(draft))
        return _write(request, name, draft, before, graph)

    return _representation(retry_on_conflict(write), 201 if is_new else 200)


def delete(request: Request) -> Response:
    """Delete the role unless a user holds it.

    The check reads an index that lags slightly. A grant made in that time has no effect.
    """
    name, versions = _name(request), etag.expected_versions(request)
    _refuse_built_in(name)
    delegation = Delegation(request.caller)

    def write() -> None:
        before, graph = _expected(role_items.find(name), versions), role_graph.read()
        delegation.check_role(name, _rights(before), None)
        _check_unused(graph, name)
        _transact(
            [
                *role_items.deletes(before),
                role_graph.change(graph, role_graph.after(graph, name, None)),
                audit.entry(request, "role.deleted", {"role": name}),
            ]
        )

    retry_on_conflict(write)
    return Response(204)


def _rights(role: Role | Draft | None) -> rights.Role | None:
    if role is None:
        return None
    conditional = frozenset(each.permission for each in role.conditional_permissions)
    return rights.Role(
        frozenset(role.permissions), frozenset(role.parents), conditional=conditional
    )


def _expected(found: Role | None, versions: list[int] | None) -> Role:
    """Return the role. Raise 404 if it does not exist, 412 if its version is another one."""
    if found is None:
        raise _not_found()
    if versions is not None and found.version not in versions:
        raise etag.stale()
    return found


def _check_graph(graph: Graph, name: str, draft: Draft) -> None:
    """Raise 409 or 422 if the graph of roles does not allow the role's parents and assigners."""
    changed = role_graph.after(graph, name, draft.parents, draft.assignable_by)
    if why := role_graph.fullness(graph, changed):
        raise Problem(409, "too_many_roles", why)
    faults = role_graph.faults(graph, name, draft.parents)
    faults += role_graph.assigner_faults(graph, name, draft.assignable_by)
    if faults := faults or role_graph.reach_faults(graph, name, changed):
        detail = "The role cannot build on these roles; see `errors`."
        raise Problem(422, "validation_failed", detail, errors=faults)


def _check_unused(graph: Graph, name: str) -> None:
    """Raise 409 if another role builds on the role or is assigned by it, or a user holds it."""
    if children := role_graph.children(graph.parents, name):
        raise _in_use(
            f"Other roles build on this role: {', '.join(children[:5])}. Change them first."
        )
    if assigned := role_graph.assigned_by(graph, name):
        raise _in_use(
            f"This role can assign other roles: {', '.join(assigned[:5])}. Change them first."
        )
    if any(map(grant_items.in_force, user_table.query(f"ROLE#{name}", index="GSI1"))):
        raise _in_use(
            "The role is granted to users. Revoke its grants first (GET /v1/grants?role=)."
        )


def _write(request: Request, name: str, draft: Draft, before: Role | None, graph: Graph) -> Role:
    after = Role(
        name,
        str(draft.description),
        sorted(draft.parents),
        sorted(draft.permissions),
        role_items.next_version(name, before),
        sorted(draft.assignable_by),
        sorted(
            (
                ConditionalPermission(each.permission, each.condition)
                for each in draft.conditional_permissions
            ),
            key=lambda each: each.permission,
        ),
    )
    _transact(
        [
            *role_items.writes(after, before),
            role_graph.change(
                graph, role_graph.after(graph, name, after.parents, after.assignable_by)
            ),
            _trail(request, after, before),
        ]
    )
    return after


def _trail(request: Request, after: Role, before: Role | None) -> dict[str, Any]:
    held, wanted = set(before.permissions if before else ()), set(after.permissions)
    changes = {
        "role": after.role,
        "added": sorted(wanted - held),
        "taken": sorted(held - wanted),
        "parents": after.parents,
    }
    if after.assignable_by or (before and before.assignable_by):
        changes["assignable_by"] = after.assignable_by
    if changed := _changed_conditions(after, before):
        changes["conditions"] = changed
    return audit.entry(request, "role.changed" if before else "role.created", changes)


def _changed_conditions(after: Role, before: Role | None) -> list[str]:
    """Return the permissions whose condition was added, changed or removed."""
    held, wanted = (
        {each.permission: _text(each) for each in role.conditional_permissions} if role else {}
        for role in (before, after)
    )
    return sorted(
        each for each in held.keys() | wanted.keys() if held.get(each) != wanted.get(each)
    )


def _text(each: ConditionalPermission) -> bytes:
    """Return the condition as it is stored. As Python objects, the conditions 1 and true are equal."""
    return msgspec.json.encode(each.condition)


def _transact(items: list[dict[str, Any]]) -> None:
    """Write the items. Raise ContentionError if another change of roles came first."""
    try:
        user_table.transact(items)
    except TransactionCanceledError as refused:
        raise ContentionError(f"Another transaction changed the roles: {refused}") from refused


def _name(request: Request) -> str:
    try:
        return msgspec.convert(request.path_parameters["role"], RoleName)
    except msgspec.ValidationError:
        raise invalid_parameters(
            [ParameterError("role", "Must be a name such as `order-editor`")]
        ) from None


def _refuse_built_in(name: str) -> None:
    if name == ADMIN:
        raise Problem(
            409, "role_built_in", f"{ADMIN} holds every permission and cannot be changed."
        )


def _refuse_twice(draft: Draft) -> None:
    fields = {
        "permissions": draft.permissions,
        "parents": draft.parents,
        "assignable_by": draft.assignable_by,
        "conditional_permissions": [each.permission for each in draft.conditional_permissions],
    }
    errors = [
        FieldError(f"#/{field}/{place}", "This entry is duplicated")
        for field, names in fields.items()
        for place, name in enumerate(names)
        if name in names[:place]
    ]
    if errors:
        raise Problem(
            422, "validation_failed", "Some entries are duplicated; see `errors`.", errors=errors
        )


def _check_conditions(draft: Draft) -> None:
    """Raise 422 if the permissions with a condition are invalid."""
    if not draft.conditional_permissions:
        return
    from atrium.identity import conditions  # imported here, because most roles have no condition

    errors, at = list[FieldError](), "#/conditional_permissions"
    if len(draft.permissions) + len(draft.conditional_permissions) > MAX_PERMISSIONS:
        detail = (
            f"A role can have at most {MAX_PERMISSIONS} permissions, with and without condition."
        )
        errors.append(FieldError(at, detail))
    for place, each in enumerate(draft.conditional_permissions):
        if each.permission in draft.permissions:
            detail = "Must not also be in `permissions`, where it has no condition."
            errors.append(FieldError(f"{at}/{place}/permission", detail))
        errors += conditions.faults(each.condition, f"{at}/{place}/condition")
    if errors:
        raise Problem(
            422, "validation_failed", "Some conditions are invalid; see `errors`.", errors=errors
        )


def _representation(role: Role, status: int = 200) -> Response:
    return response.json(role, status, etag=etag.of_version(role.version))


def _not_found() -> Problem:
    return Problem(404, "role_not_found", "This role does not exist.")


def _in_use(why: str) -> Problem:
    return Problem(409, "role_in_use", why)
