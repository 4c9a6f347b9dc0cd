"""Routes for roles: their permissions and the roles that they build on.

    R#<role>  META               {version, generation, description, parents}
    R#<role>  PERM#<permission>  {permission}
    R#<role>  DELETED            {version}: the last one of a deleted role

A role that is created again starts with the next version, which is also its `generation`. A grant
names its role's generation, so a grant of the deleted role stays void.
"""

from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from access import role_graph
from access.names import Permission, RoleName
from access.role_graph import Graph
from atrium.http import etag, pages, response
from atrium.http.problem import FieldError, ParameterError, Problem, invalid_parameters
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.identity import grant_items, rights
from atrium.identity.delegation import Delegation
from atrium.identity.permissions import ADMIN
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, RoleDefinition, TransactionCanceledError

MAX_PERMISSIONS = 45
"""A change writes each added or removed permission, and a transaction has 100 items."""
MAX_PARENTS = 20
MAX_ASSIGNERS = 20
_DELETED = "DELETED"


class Draft(msgspec.Struct, forbid_unknown_fields=True):
    description: Line
    permissions: Annotated[list[Permission], Meta(max_length=MAX_PERMISSIONS)]
    parents: Annotated[list[RoleName], Meta(max_length=MAX_PARENTS)] = msgspec.field(
        default_factory=list
    )
    assignable_by: Annotated[list[RoleName], Meta(max_length=MAX_ASSIGNERS)] = msgspec.field(
        default_factory=list
    )


class Summary(msgspec.Struct):
    role: str
    description: str
    parents: list[str]


class Role(Summary):
    permissions: list[str]
    version: int
    assignable_by: list[str] = msgspec.field(default_factory=list)


BUILT_IN = Role(ADMIN, "The built-in role that holds every permission.", [], [], 1)


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
    found = _find(_name(request))
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
    delegation = Delegation(request.caller.uid)

    def write() -> Role:
        before, graph = _find(name), role_graph.read()
        if is_new and before:
            raise Problem(
                412, "role_exists", "This role already exists. Use If-Match to replace it."
            )
        if not is_new and before is None:
            raise _not_found()
        if before and versions is not None and before.version not in versions:
            raise etag.stale()
        changed = role_graph.after(graph, name, draft.parents, draft.assignable_by)
        if why := role_graph.fullness(graph, changed):
            raise Problem(409, "too_many_roles", why)
        faults = role_graph.faults(graph, name, draft.parents)
        faults += role_graph.assigner_faults(graph, name, draft.assignable_by)
        if faults := faults or role_graph.reach_faults(graph, name, changed):
            raise Problem(
                422,
                "validation_failed",
                "The role cannot build on these roles; see `errors`.",
                errors=faults,
            )
        delegation.check_role(name, _rights(before), _rights(draft))
        return _write(request, name, draft, before, graph)

    return _representation(retry_on_conflict(write), 201 if is_new else 200)


def delete(request: Request) -> Response:
    """Delete the role unless a user holds it.

    The check reads an index that lags slightly. A grant made in that time has no effect.
    """
    name, versions = _name(request), etag.expected_versions(request)
    _refuse_built_in(name)
    delegation = Delegation(request.caller.uid)

    def write() -> None:
        before, graph = _find(name), role_graph.read()
        if before is None:
            raise _not_found()
        if versions is not None and before.version not in versions:
            raise etag.stale()
        delegation.check_role(name, _rights(before), None)
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
        keys = ["META", *(f"PERM#{permission}" for permission in before.permissions)]
        gone = [_at(name, sk) for sk in keys]
        gone[0] |= _if_version(before.version)
        _transact(
            [
                *({"Delete": each} for each in gone),
                {
                    "Put": {
                        "Item": _at(name, _DELETED)["Key"] | {"version": {"N": str(before.version)}}
                    }
                },
                role_graph.change(graph, role_graph.after(graph, name, None)),
                audit.entry(request, "role.deleted", {"role": name}),
            ]
        )

    retry_on_conflict(write)
    return Response(204)


def _rights(role: Role | Draft | None) -> rights.Role | None:
    return rights.Role(frozenset(role.permissions), frozenset(role.parents)) if role else None


def _last_version(name: str) -> int:
    """Return the last version of a deleted role of this name, or 0."""
    deleted = user_table.item(f"R#{name}", _DELETED)
    return deleted["version"] if deleted else 0


def _find(name: str) -> Role | None:
    if name == ADMIN:
        return BUILT_IN
    items = list(user_table.query(f"R#{name}"))
    meta = next((item for item in items if item["sk"] == "META"), None)
    if meta is None:
        return None
    definition: RoleDefinition = user_table.defined(items)
    return Role(
        name,
        meta["description"],
        sorted(definition.parents),
        sorted(definition.permissions),
        meta["version"],
        meta.get("assignable_by", []),
    )


def _write(request: Request, name: str, draft: Draft, before: Role | None, graph: Graph) -> Role:
    version = (before.version if before else _last_version(name)) + 1
    after = Role(
        name,
        str(draft.description),
        sorted(draft.parents),
        sorted(draft.permissions),
        version,
        sorted(draft.assignable_by),
    )
    held, wanted = set(before.permissions if before else ()), set(after.permissions)
    added = [
        {
            "Put": {
                "Item": _at(name, f"PERM#{permission}")["Key"] | {"permission": {"S": permission}}
            }
        }
        for permission in sorted(wanted - held)
    ]
    taken = [{"Delete": _at(name, f"PERM#{permission}")} for permission in sorted(held - wanted)]
    changes = {
        "role": name,
        "added": sorted(wanted - held),
        "taken": sorted(held - wanted),
        "parents": after.parents,
    }
    if after.assignable_by or (before and before.assignable_by):
        changes["assignable_by"] = after.assignable_by
    trail = audit.entry(request, "role.changed" if before else "role.created", changes)
    _transact(
        [
            _meta(after, before),
            role_graph.change(
                graph, role_graph.after(graph, name, after.parents, after.assignable_by)
            ),
            *added,
            *taken,
            trail,
        ]
    )
    return after


def _meta(after: Role, before: Role | None) -> dict[str, Any]:
    fields = {
        "version": {"N": str(after.version)},
        "description": {"S": after.description},
        "parents": {"L": [{"S": parent} for parent in after.parents]},
        "assignable_by": {"L": [{"S": name} for name in after.assignable_by]},
        "gsi1pk": {"S": "ROLES"},
        "gsi1sk": {"S": after.role},
    }
    if before is None:
        generation = {"generation": {"N": str(after.version)}} if after.version > 1 else {}
        item = _at(after.role, "META")["Key"] | fields | generation
        return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}
    values = {f":{name}": value for name, value in fields.items()} | {
        ":before": {"N": str(before.version)}
    }
    assignments = ", ".join(f"{name} = :{name}" for name in fields)
    return {
        "Update": _at(after.role, "META")
        | {
            "UpdateExpression": f"SET {assignments}",
            "ConditionExpression": "version = :before",
            "ExpressionAttributeValues": values,
        }
    }


def _transact(items: list[dict[str, Any]]) -> None:
    """Write the items. Raise ContentionError if another change of roles came first."""
    try:
        user_table.transact(items)
    except TransactionCanceledError as refused:
        raise ContentionError(f"Another transaction changed the roles: {refused}") from refused


def _at(name: str, sk: str) -> dict[str, Any]:
    return {"Key": {"pk": {"S": f"R#{name}"}, "sk": {"S": sk}}}


def _if_version(version: int) -> dict[str, Any]:
    return {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(version)}},
    }


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


def _representation(role: Role, status: int = 200) -> Response:
    return response.json(role, status, etag=etag.of_version(role.version))


def _not_found() -> Problem:
    return Problem(404, "role_not_found", "This role does not exist.")


def _in_use(why: str) -> Problem:
    return Problem(409, "role_in_use", why)
