"""The row of a user, read and changed in one round trip each."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from atrium.http import etag
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from users import queries
from users.model import Profile


def find(uid: str | UUID) -> Profile | None:
    """Return the user, or None if it does not exist or is deleted."""
    rows = postgres.query(queries.FIND_USER, uid=uid)
    return Profile(*rows[0]) if rows else None


def change(
    uid: str | UUID,
    changes: Mapping[str, object],
    versions: Sequence[int] | None,
    actor: str,
    request_id: str,
) -> Profile | None:
    """Set the fields of ProfilePatch that `changes` names; None clears a field.

    Return None if the user does not exist. Raise 412 if the version is not one of `versions`.
    The audit row names the fields without their values, because the trail outlives an erasure.
    """
    if not changes:
        return _expected(find(uid), versions)
    rows = postgres.query(
        queries.CHANGE_USER,
        uid=uid,
        changes=dict(changes),
        versions=None if versions is None else list(versions),
        event=uuid7(),
        actor=actor,
        audited={"fields": list(changes)},
        request_id=request_id,
    )
    if rows and rows[0][0] is None:
        raise etag.stale()
    return Profile(*rows[0]) if rows else None


def consent(
    uid: str, version: str, versions: Sequence[int] | None, request_id: str
) -> Profile | None:
    """Record the consent of the user `uid`. The time of an earlier consent to `version` stays.

    Return None if the user does not exist. Raise 412 if the row's version is not one of `versions`.
    """
    rows = postgres.query(
        queries.GIVE_CONSENT,
        uid=uid,
        consent=version,
        versions=None if versions is None else list(versions),
        event=uuid7(),
        actor=uid,
        audited={"consent_version": version},
        request_id=request_id,
    )
    if not rows or rows[0][0] is not None:
        return Profile(*rows[0]) if rows else None
    found = find(uid)
    if found and found.consent_version != version:
        raise etag.stale()
    return found


def _expected(found: Profile | None, versions: Sequence[int] | None) -> Profile | None:
    if found and versions is not None and found.version not in versions:
        raise etag.stale()
    return found
