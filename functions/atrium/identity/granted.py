"""The alternative `decision` of a rule: scoped grants and conditions admit a caller.

    {decision: orders.read, resource: id}   to the resource that the path parameter `id` names
    {decision: orders.read}           to the resources of a list that the caller may read

The permission `orders.read` is the action `read` on resources of the type `orders`, as for
`/access/v1`. The grants are read strongly consistently at each request, one round trip.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from atrium.http.problem import Problem
from atrium.http.request import Claims, Rows
from atrium.identity import decision, grants, permissions, services, subject_grants
from atrium.identity.decision import Resource, SubjectGrants
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.stores import user_table

MAX_GRANTS = 1000
"""The maximum number of grants that a list is decided with. With more the list is refused."""

Properties = Mapping[str, Any]
Load = Callable[[str], Properties | None]
"""A function that returns the properties of the resource with this id, None if there is none."""


class Question:
    """A question about a right to resources of a type, which the caller's grants decide."""

    def __init__(self, caller: Claims, permission: str, *, current: bool) -> None:
        self._caller = caller
        self._kind, _, self._action = permission.partition(".")
        self._define = user_table.role_definition if current else permissions.cached
        self._now = time.time()

    def permits(self, id: str, load: Load | None) -> bool:
        """Return True if the caller may do it to this resource.

        `load` is called only if a condition decides. Without properties such a condition may be
        unknown, and then does not permit.
        """
        asked = self._caller.uid, self._kind, id
        subject = self._subject(grants.covering([asked])[asked])
        if self._decide(subject, id, {}):
            return True
        if load is None or not self._is_given(subject, id):
            return False
        properties = load(id)
        return properties is not None and self._decide(subject, id, properties)

    def rows(self, owner: str | None) -> Rows:
        """Return the rows of a list that the caller may see, with those of `owner`.

        Raise 403 for more than MAX_GRANTS grants, because not all of them were read.
        """
        found = grants.of_type(self._caller.uid, self._kind, MAX_GRANTS + 1)
        by_id = dict[str, list[Grant]]()
        for grant in found:
            by_id.setdefault(_id(grant), []).append(grant)
        subject = self._subject(found)
        of_all = by_id.pop("*", [])
        whole = msgspec.structs.replace(subject, grants=of_all)
        if self._decide(whole, None, {}):
            return Rows(is_everything=True)
        if len(found) > MAX_GRANTS:
            raise _too_many(self._kind)

        def of_one(id: str) -> SubjectGrants:
            return msgspec.structs.replace(subject, grants=[*of_all, *by_id.get(id, ())])

        return Rows(
            owner,
            tuple(id for id in by_id if self._is_given(of_one(id), id)),
            has_candidates=self._is_given(whole, "*"),
            permits=lambda id, properties: self._decide(of_one(id), id, properties),
        )

    def _subject(self, found: Sequence[Grant]) -> SubjectGrants:
        uid = self._caller.uid
        attributes = subject_grants.attributes_for([(uid, self._kind, found)]).get(uid, {})
        return SubjectGrants("active", found, self._caller.withheld, attributes)

    def _is_given(self, subject: SubjectGrants, id: str) -> bool:
        """Return True if a grant gives the right, whatever its conditions."""
        resource = Resource(self._kind, id)
        given = decision.giving(subject, self._action, resource, self._define, self._now)
        return next(given, None) is not None

    def _decide(self, subject: SubjectGrants, id: str | None, properties: Properties) -> bool:
        """Return the decision. `id` None asks about every resource of the type."""
        facts = {
            "subject": {"type": services.kind_of(self._caller.uid), "id": self._caller.uid},
            "action": {"name": self._action},
            "resource": {**properties, "type": self._kind, "id": id},
            "context": {},
        }
        resource = Resource(self._kind, "*" if id is None else id)
        return decision.decide(
            subject, self._action, resource, self._define, self._now, facts
        ).permit


def _id(grant: Grant) -> str:
    return "*" if grant.scope == EVERYWHERE else grant.scope.partition(":")[2]


def _too_many(kind: str) -> Problem:
    return Problem(
        403,
        "too_many_grants",
        f"You have more than {MAX_GRANTS} grants that cover resources of the type {kind}, too many "
        f"for a list. Ask an administrator for one grant in the scope `{kind}:*`.",
    )
