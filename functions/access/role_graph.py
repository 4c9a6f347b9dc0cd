"""The graph of roles: which role builds on which, and which may assign which.

    ROLES  GRAPH  {parents: {role: [parent, …]}, assignable_by: {role: [role, …]}, version}

One item holds the whole graph, so that a change is checked against the version that it replaces. If
two concurrent changes would close a cycle only together, the second one conflicts and is checked
again.
"""

from collections.abc import Collection, Mapping
from functools import cache
from typing import Any

import msgspec

from atrium.http.problem import FieldError
from atrium.identity import grant_items
from atrium.identity.delegation import GRAPH
from atrium.identity.permissions import ADMIN
from atrium.stores import user_table

MAX_DEPTH = 8
"""The maximum number of roles on a path of parents, the first one included."""

MAX_ROLES = 1000

MAX_REACH = 100
"""Roles that a role builds on or may assign, directly or through others. A request reads them all
to compare the rights of two users."""

MAX_BYTES = 300_000
"""The size limit of the item in bytes.

DynamoDB's is 400 KB. JSON takes at least as much space as the item.
"""

Parents = Mapping[str, Collection[str]]

_NOT_ADMIN = f"A role cannot build on {ADMIN}; grant {ADMIN} itself"


class Graph(msgspec.Struct, frozen=True):
    parents: Parents
    version: int
    assignable_by: Parents
    """Contains only roles that some role may assign."""


def read() -> Graph:
    """Return the graph. One call. Raises `TableUnavailableError`."""
    item = user_table.item(*GRAPH)
    return (
        Graph(item["parents"], item["version"], item.get("assignable_by", {}))
        if item
        else Graph({}, 0, {})
    )


def after(
    graph: Graph, role: str, parents: Collection[str] | None, assignable_by: Collection[str] = ()
) -> Graph:
    """Return the next version of the graph. `parents` None removes the role."""
    changed = {each: list(above) for each, above in graph.parents.items() if each != role}
    assigned = {each: list(by) for each, by in graph.assignable_by.items() if each != role}
    if parents is not None:
        changed[role] = sorted(parents)
        assigned |= {role: sorted(assignable_by)} if assignable_by else {}
    return Graph(changed, graph.version + 1, assigned)


def change(graph: Graph, changed: Graph) -> dict[str, Any]:
    """Return an item of a transaction that writes `changed` if the graph is still this version."""
    update = {
        "Key": grant_items.at(GRAPH),
        "UpdateExpression": "SET parents = :parents, assignable_by = :assignable_by, version = :next",
        "ConditionExpression": "version = :version"
        if graph.version
        else "attribute_not_exists(pk)",
        "ExpressionAttributeValues": {
            ":parents": _typed(changed.parents),
            ":assignable_by": _typed(changed.assignable_by),
            ":next": {"N": str(changed.version)},
        }
        | ({":version": {"N": str(graph.version)}} if graph.version else {}),
    }
    return {"Update": update}


def _typed(lists: Mapping[str, Collection[str]]) -> dict[str, Any]:
    return {"M": {each: {"L": [{"S": name} for name in names]} for each, names in lists.items()}}


def faults(graph: Graph, role: str, parents: Collection[str]) -> list[FieldError]:
    """Return why the role cannot build on `parents`."""
    found = [
        FieldError(
            f"#/parents/{place}",
            _NOT_ADMIN if parent == ADMIN else "This role does not exist",
        )
        for place, parent in enumerate(parents)
        if parent not in graph.parents
    ]
    if found:
        return found
    above_each = {**graph.parents, role: parents}
    circular = [
        place
        for place, parent in enumerate(parents)
        if parent == role or role in above(above_each, parent)
    ]
    if circular:
        return [
            FieldError(f"#/parents/{place}", f"This role already builds on {role}")
            for place in circular
        ]
    if height(above_each) > MAX_DEPTH:
        return [
            FieldError(
                "#/parents", f"The hierarchy of roles would have more than {MAX_DEPTH} levels"
            )
        ]
    return []


def fullness(graph: Graph, changed: Graph) -> str | None:
    """Return the limit that the change exceeds. A role beyond a limit may still shrink."""
    if len(changed.parents) > max(MAX_ROLES, len(graph.parents)):
        return f"There can be at most {MAX_ROLES} roles. Delete unused roles first."
    size = _size(changed)
    if size > max(MAX_BYTES, _size(graph)):
        return (
            f"`parents` and `assignable_by` of all roles would have {size} bytes together, and the "
            f"maximum is {MAX_BYTES}. Shorten these lists, or delete unused roles first."
        )
    return None


def _size(graph: Graph) -> int:
    return len(msgspec.json.encode(graph.parents) + msgspec.json.encode(graph.assignable_by))


def reach_faults(graph: Graph, role: str, changed: Graph) -> list[FieldError]:
    """Return why the role builds on or assigns too many roles, or makes others do so."""
    too_far = far_reaching(changed)
    if not too_far or not (grown := too_far - far_reaching(graph)):
        return []
    only_parents = after(graph, role, changed.parents[role], graph.assignable_by.get(role, ()))
    field = "parents" if grown & far_reaching(only_parents) else "assignable_by"
    detail = f"{min(grown)} would build on or may assign more than {MAX_REACH} roles in total"
    return [FieldError(f"#/{field}", detail)]


def far_reaching(graph: Graph) -> set[str]:
    """Return the roles that reach more than MAX_REACH others."""
    if len(graph.parents) <= MAX_REACH:
        return set()
    nearest = {role: set(above) for role, above in graph.parents.items()}
    for assigned, assigners in graph.assignable_by.items():
        for each in assigners:
            nearest.setdefault(each, set()).add(assigned)
    return {role for role in nearest if _reaches_far(role, nearest)}


def _reaches_far(role: str, nearest: Mapping[str, set[str]]) -> bool:
    seen, waiting = {role}, [role]
    while waiting and len(seen) <= MAX_REACH + 1:
        new = nearest.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return len(seen) > MAX_REACH + 1


def assigner_faults(graph: Graph, role: str, assignable_by: Collection[str]) -> list[FieldError]:
    """Return why the role cannot be assigned by these roles."""
    known = {*graph.parents, role}
    return [
        FieldError(
            f"#/assignable_by/{place}",
            "Administrators can assign every role. Remove this entry."
            if name == ADMIN
            else "This role does not exist.",
        )
        for place, name in enumerate(assignable_by)
        if name not in known
    ]


def assigned_by(graph: Graph, role: str) -> list[str]:
    """Return the other roles that holders of this one may assign."""
    return sorted(each for each, by in graph.assignable_by.items() if role in by and each != role)


def above(parents: Parents, role: str) -> set[str]:
    """Return every role that this one builds on. It contains itself only in a cycle."""
    seen, waiting = set[str](), set(parents.get(role, ()))
    while waiting:
        seen |= waiting
        waiting = {each for known in waiting for each in parents.get(known, ())} - seen
    return seen


def height(parents: Parents) -> int:
    """Return the number of roles on the longest way up, in a graph without cycles.

    Each role is visited once. The number of ways up grows exponentially with the levels.
    """

    @cache
    def depth(role: str) -> int:
        return 1 + max(map(depth, parents.get(role, ())), default=0)

    return max(map(depth, parents))


def children(parents: Parents, role: str) -> list[str]:
    return sorted(each for each, above in parents.items() if role in above)
