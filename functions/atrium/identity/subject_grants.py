"""The data of decisions: the status and the relevant grants of users, read in one round trip.

A decision reads META and makes three Queries of one scope each, however many grants the user has.
For several resources of one user, one Query reads all grants, unless they are many. If a condition
names stored attributes, one more Query for each such user reads them. Roles come from the cache.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from atrium.identity import grants, mfa, namespaces, permissions
from atrium.identity.decision import Resource, SubjectGrants
from atrium.identity.grant_items import Grant
from atrium.runtime import parallel
from atrium.stores import user_table

FEW_RESOURCES = 3
FEW_GRANTS = 100
"""The number of grants that are read at once.

Reading them costs about eight units, as much as three resources by key.
"""

Asked = tuple[str, Resource]
"""A uid and a resource."""

Attributes = Mapping[str, Mapping[str, Any]]
"""Namespace → name → value."""

_NOBODY = SubjectGrants(None, ())
_ATTRIBUTES = '"subject.attributes.'
"""The beginning of variables for stored attributes, in the text of a condition."""


def find(uid: str, resource: Resource) -> SubjectGrants:
    """Return the status and the grants for one user and one resource.

    Raises `TableUnavailableError`.
    """
    return find_all({(uid, resource)})[uid, resource]


def find_all(asked: Collection[Asked]) -> dict[Asked, SubjectGrants]:
    """Return the status and the grants for each pair of user and resource.

    Raises `TableUnavailableError`.
    """
    known = {one for one in asked if is_uid(one[0])}
    resources = Counter(uid for uid, _ in known)
    metas = {uid: parallel.start(lambda uid=uid: user_table.meta(uid)) for uid in resources}  # type: ignore[misc]
    whole = {
        uid: parallel.start(lambda uid=uid: grants.of_few(uid, FEW_GRANTS))  # type: ignore[misc]
        for uid, count in resources.items()
        if count > FEW_RESOURCES
    }
    found = grants.covering([_key(one) for one in known if one[0] not in whole])
    of_few = {uid: future.result() for uid, future in whole.items()}
    found |= grants.covering(
        [_key(one) for one in known if one[0] in of_few and of_few[one[0]] is None]
    )
    read = {uid: future.result() for uid, future in metas.items()}

    by_question = {one: of_few.get(one[0]) or found.get(_key(one)) or () for one in known}
    attributes = attributes_for(
        (uid, resource.type, of_one) for (uid, resource), of_one in by_question.items()
    )
    return {
        one: of_user(read[one[0]], by_question[one], attributes.get(one[0], {}))
        if one in known
        else _NOBODY
        for one in asked
    }


def find_of_type(uid: str, kind: str) -> SubjectGrants:
    """Return the status and the grants for a user and all resources of a type.

    Raises `TableUnavailableError`.
    """
    if not is_uid(uid):
        return _NOBODY
    meta = parallel.start(lambda: user_table.meta(uid))
    found = grants.of_type(uid, kind)
    return of_user(meta.result(), found, attributes_for([(uid, kind, found)]).get(uid, {}))


def attributes_for(found: Iterable[tuple[str, str, Sequence[Grant]]]) -> dict[str, Attributes]:
    """Return by uid the attributes of users whose conditions name attributes.

    `found` has a uid, a type of resource, and the relevant grants. Conditions are those of the
    grants, and those of permissions on the type in their roles. Only trusted namespaces count:
    other values may be set by users who could not grant the right.
    """
    uids = sorted({uid for uid, kind, of_one in found if _read_attributes(kind, of_one)})
    stored = parallel.run([partial(user_table.stored_attributes, uid) for uid in uids])
    return dict(zip(uids, map(namespaces.in_token, stored), strict=True))


def _read_attributes(kind: str, found: Sequence[Grant]) -> bool:
    """Return True if a condition names attributes."""
    if any(_ATTRIBUTES in (grant.condition or "") for grant in found):
        return True
    granted = {grant.role for grant in found if grant.role not in (None, permissions.ADMIN)}
    return any(
        permission.startswith(f"{kind}.") and _ATTRIBUTES in condition
        for role in permissions.lineage(granted, permissions.cached)
        for permission, condition in permissions.cached(role).conditional.items()
    )


def of_user(
    meta: user_table.Meta | None, found: Sequence[Grant], attributes: Attributes
) -> SubjectGrants:
    if meta is None:
        return SubjectGrants(None, found)
    return SubjectGrants(meta.status, found, mfa.withheld(has_mfa=meta.mfa), attributes)


def is_uid(text: str) -> bool:
    """Return False for a text that cannot be a uid: it is empty or too long."""
    return 0 < len(text) <= 64


def _key(one: Asked) -> tuple[str, str, str]:
    uid, resource = one
    return uid, resource.type, resource.id
