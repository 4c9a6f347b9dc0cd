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

MAX_BYTES = 300_000
"""Bytes of the item, which can have 400 KB: some thousands of roles."""

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


def change(
    graph: Graph, role: str, parents: Collection[str] | None, assignable_by: Collection[str] = ()
) -> dict[str, Any]:
    """Return an item of a transaction that changes the graph if it is still this version.

    `parents` None removes the role.
    """
    changed = {each: list(above) for each, above in graph.parents.items() if each != role}
    assigned = {each: list(by) for each, by in graph.assignable_by.items() if each != role}
    if parents is not None:
        changed[role] = sorted(parents)
        assigned |= {role: sorted(assignable_by)} if assignable_by else {}
    update = {
        "Key": grant_items.at(GRAPH),
        "UpdateExpression": "SET parents = :parents, assignable_by = :assignable_by, version = :next",
        "ConditionExpression": "version = :version"
        if graph.version
        else "attribute_not_exists(pk)",
        "ExpressionAttributeValues": {
            ":parents": _typed(changed),
            ":assignable_by": _typed(assigned),
            ":next": {"N": str(graph.version + 1)},
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
    after = {**graph.parents, role: parents}
    circular = [
        place
        for place, parent in enumerate(parents)
        if parent == role or role in above(after, parent)
    ]
    if circular:
        return [
            FieldError(f"#/parents/{place}", f"This role already builds on {role}")
            for place in circular
        ]
    if height(after) > MAX_DEPTH:
        return [
            FieldError(
                "#/parents", f"The hierarchy of roles would have more than {MAX_DEPTH} levels"
            )
        ]
    return []


def is_full(graph: Graph) -> bool:
    return (
        len(msgspec.json.encode(graph.parents) + msgspec.json.encode(graph.assignable_by))
        > MAX_BYTES
    )


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
