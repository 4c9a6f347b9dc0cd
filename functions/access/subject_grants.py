"""What decisions read: the status and the relevant grants of users, in one round trip.

A decision reads META and makes three Queries of one scope each, however many grants the user has.
For several resources of one user, one Query reads all grants, unless they are many.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from access.decision import Resource, SubjectGrants
from atrium.identity import grants, mfa
from atrium.identity.grant_items import Grant
from atrium.runtime import parallel
from atrium.stores import user_table

FEW_RESOURCES = 3
FEW_GRANTS = 100
"""Reading this many costs about eight units, as much as three resources by key."""

Asked = tuple[str, Resource]
"""A uid and a resource."""

_NOBODY = SubjectGrants(None, ())


def find(uid: str, resource: Resource) -> SubjectGrants:
    """Return what concerns one user and one resource. Raises `TableUnavailableError`."""
    return find_all({(uid, resource)})[uid, resource]


def find_all(asked: Collection[Asked]) -> dict[Asked, SubjectGrants]:
    """Return the grants for each pair of user and resource. Raises `TableUnavailableError`."""
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

    def subject_grants(one: Asked) -> SubjectGrants:
        uid = one[0]
        return (
            _of_user(read[uid], of_few.get(uid) or found.get(_key(one)) or ())
            if one in known
            else _NOBODY
        )

    return {one: subject_grants(one) for one in asked}


def find_of_type(uid: str, kind: str) -> SubjectGrants:
    """Return what concerns a user and all resources of a type. Raises `TableUnavailableError`."""
    if not is_uid(uid):
        return _NOBODY
    meta = parallel.start(lambda: user_table.meta(uid))
    found = grants.of_type(uid, kind)
    return _of_user(meta.result(), found)


def _of_user(meta: user_table.Meta | None, found: Sequence[Grant]) -> SubjectGrants:
    if meta is None:
        return SubjectGrants(None, found)
    return SubjectGrants(meta.status, found, mfa.withheld(has_mfa=meta.mfa))


def is_uid(text: str) -> bool:
    """Return False for a text that cannot be a uid: it is empty or too long."""
    return 0 < len(text) <= 64


def _key(one: Asked) -> tuple[str, str, str]:
    uid, resource = one
    return uid, resource.type, resource.id
