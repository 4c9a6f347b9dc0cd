"""The row of a user, read and changed in one round trip each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from atrium.http import etag
from atrium.http.text import Locale, PersonName
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres

COLUMNS = "uid, email, given_name, family_name, locale, status, created_at, updated_at, version"
IS_NOT_DELETED = "users.status IN ('active', 'disabled')"
"""Matches users that are not deleted."""

_FIND = f"SELECT {COLUMNS} FROM users WHERE uid = $1::uuid AND {IS_NOT_DELETED}"  # noqa: S608  no input in it

# The UPDATE itself has the condition, so the second of two changes to one version matches no row.
# The audit row depends on the UPDATE, so both exist or neither.
_CHANGE = f"""
WITH changed AS (
    UPDATE users SET
        given_name = CASE WHEN $2::jsonb ? 'given_name' THEN $2::jsonb ->> 'given_name' ELSE given_name END,
        family_name = CASE WHEN $2::jsonb ? 'family_name' THEN $2::jsonb ->> 'family_name' ELSE family_name END,
        locale = CASE WHEN $2::jsonb ? 'locale' THEN $2::jsonb ->> 'locale' ELSE locale END,
        version = version + 1,
        updated_at = now()
    WHERE uid = $1::uuid AND {IS_NOT_DELETED} AND ($3::bigint[] IS NULL OR version = ANY ($3::bigint[]))
    RETURNING {COLUMNS}
), audited AS (
    INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
    SELECT $4::uuid, uid, $7, 'user.changed', $5::jsonb, $6 FROM changed
)
SELECT changed.* FROM users LEFT JOIN changed USING (uid) WHERE users.uid = $1::uuid AND {IS_NOT_DELETED}
"""  # noqa: S608  no input in it


READ_ONLY = ("uid", "email", "status", "created_at", "updated_at")


class ProfilePatch(msgspec.Struct, forbid_unknown_fields=True):
    given_name: PersonName | UnsetType | None = UNSET
    family_name: PersonName | UnsetType | None = UNSET
    locale: Locale | UnsetType | None = UNSET


class Profile(msgspec.Struct):
    uid: UUID
    email: str
    given_name: str | None
    family_name: str | None
    locale: str | None
    status: str
    created_at: datetime
    updated_at: datetime
    version: int


def find(uid: str | UUID) -> Profile | None:
    """Return the user, or None if it does not exist or is deleted."""
    rows = postgres.query(_FIND, uid)
    return Profile(*rows[0]) if rows else None


def change(
    uid: str | UUID,
    changes: Mapping[str, object],
    versions: Sequence[int] | None,
    actor: str,
    request_id: str,
) -> Profile | None:
    """Set `given_name`, `family_name`, `locale` by `changes`; None clears a field.

    Return None if the user does not exist. Raise 412 if the version is not one of `versions`.
    The audit row names the fields without their values, because the trail outlives an erasure.
    """
    if not changes:
        return _expected(find(uid), versions)
    audit = {"fields": list(changes)}
    expected = None if versions is None else list(versions)
    rows = postgres.query(_CHANGE, uid, dict(changes), expected, uuid7(), audit, request_id, actor)
    if rows and rows[0][0] is None:
        raise etag.stale()
    return Profile(*rows[0]) if rows else None


def _expected(found: Profile | None, versions: Sequence[int] | None) -> Profile | None:
    if found and versions is not None and found.version not in versions:
        raise etag.stale()
    return found
