"""Routes for grants: a role, or the right to one action, for a user, within a scope.

`atrium/identity/delegation.py` checks who may make which grant, and to whom.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from access import names
from atrium.http import etag, response
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.http.text import Line
from atrium.identity import (
    admins,
    delegation,
    grant_items,
    grants,
    permissions,
    services,
    token_size,
)
from atrium.identity.delegation import Delegation
from atrium.identity.grant_items import EVERYWHERE, GrantRecord, Item
from atrium.identity.permissions import ADMIN
from atrium.identity.rules import not_found
from atrium.paging import pages
from atrium.runtime import rfc3339
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, idempotency_in_table, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.idempotency_in_table import WorkRefusedError
from atrium.stores.user_table import ContentionError, TransactionCanceledError
from atrium.stores.user_table import Meta as MetaItem

_NO_ROLE = FieldError("#/role", "This role does not exist")
_LAST_END = datetime.max.replace(tzinfo=UTC)


class NewGrant(msgspec.Struct, forbid_unknown_fields=True):
    role: names.RoleName | None = None
    action: names.Action | None = None
    scope: names.Scope = EVERYWHERE
    reason: Line | None = None
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    condition: dict[str, Any] | None = None


class NewEnd(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a change: null removes the end."""

    expires_at: Annotated[datetime, Meta(tz=True)] | None


class _UsersMeta(MetaItem, frozen=True, kw_only=True):
    uid: str


def list_(request: Request) -> Response:
    uid = str(request.uuid("id"))
    page = pages.requested(request)
    _meta(uid)
    after = (page.after[0], page.after[1]) if page.after else None
    items = filter(grant_items.in_force, grants.listed(uid, after, page.limit + 1))
    found = list(islice(items, page.limit + 1))
    keys = {grant_items.id_of(item): (item["pk"], item["sk"]) for item in found}
    shown = [grant_items.record(item).shown() for item in found]
    return pages.answer(request, page, shown, key=lambda grant: keys[grant["id"]])


def read(request: Request) -> Response:
    uid, grant = str(request.uuid("id")), str(request.uuid("grant"))
    _meta(uid)
    return _representation(grant_items.record(_find(uid, grant)))


def make(request: Request) -> Response:
    uid, new = str(request.uuid("id")), request.decode(NewGrant)
    _check(new)
    _check_service(uid, new)
    delegation.refuse_own(request.caller.uid, uid)
    grant = GrantRecord(
        id=str(uuid7()),
        uid=uid,
        role=new.role,
        action=new.action,
        scope=new.scope,
        reason=str(new.reason) if new.reason else None,
        granted_by=request.caller.uid,
        granted_at=rfc3339.now(),
        expires_at=_end(new.expires_at),
        condition=None if new.condition is None else msgspec.json.encode(new.condition).decode(),
    )
    made = retry_on_conflict(lambda: _make(request, grant))
    granted = msgspec.convert(made.row, GrantRecord)
    location = request.href(f"/v1/users/{granted.uid}/grants/{granted.id}")
    return _representation(granted, 201, {"Location": location, **made.headers})


def revoke(request: Request) -> Response:
    uid, grant = str(request.uuid("id")), str(request.uuid("grant"))
    versions = etag.expected_versions(request, grant)
    retry_on_conflict(lambda: _revoke(request, uid, grant, versions))
    return Response(204)


def change(request: Request) -> Response:
    """Set another end, under the rules of a new grant."""
    uid, grant = str(request.uuid("id")), str(request.uuid("grant"))
    new = request.decode(NewEnd).expires_at
    versions = etag.expected_versions(request, grant)
    if errors := _end_faults(new):
        raise _unacceptable(errors)
    delegation.refuse_own(request.caller.uid, uid)
    return _representation(
        retry_on_conflict(lambda: _change(request, uid, grant, versions, _end(new)))
    )


def _make(request: Request, new: GrantRecord) -> idempotency_in_table.Once:
    meta, grant, caller = _meta(new.uid), _of_generation(new), Delegation(request.caller)
    caller.check_target(grant.uid)
    caller.check_grant(grant_items.of_record(grant))
    _check_size(grant)
    joining = [admins.joining(grant.uid)] if _is_admins(grant) and meta.status == "active" else []
    work = [
        *grants.puts(grant),
        _changed(meta, only_this=_is_in_tokens(grant) or not caller.is_unlimited),
        *joining,
        *(
            [permissions.if_generation(grant.role, grant.role_generation)]
            if grant.role not in (None, ADMIN)
            else []
        ),
        _trail(request, "granted", grant),
    ]
    try:
        return idempotency_in_table.once(
            request, work, msgspec.to_builtins(grant), of_user=grant.uid
        )
    except WorkRefusedError as refused:
        if 0 in refused.items and (held := grants.same(grant)):
            raise _exists(held) from refused
        raise ContentionError(
            f"{grant.uid}: another transaction changed this user's rights."
        ) from refused


def _exists(held: Item) -> Problem:
    grant = grant_items.record(held)
    what = f"the role {grant.role}" if grant.role else f"the right to {grant.action}"
    detail = f"This user already has {what} in the scope {grant.scope}, by grant {grant.id}."
    return Problem(409, "grant_exists", detail)


def _of_generation(grant: GrantRecord) -> GrantRecord:
    """Return the grant with the role's current generation. Raise 422 for a deleted role."""
    generation = permissions.generation(grant.role) if grant.role else 0
    if generation is None:
        raise _unacceptable([_NO_ROLE])
    return msgspec.structs.replace(grant, role_generation=generation)


def _change(
    request: Request, uid: str, name: str, versions: list[int] | None, expires_at: str | None
) -> GrantRecord:
    meta, caller = _meta(uid), Delegation(request.caller)
    item = _find(uid, name)
    before = grant_items.record(item)
    _expect(before, versions)
    after = msgspec.structs.replace(before, expires_at=expires_at, version=before.version + 1)
    caller.check_target(uid)
    caller.check_grant(grant_items.of_record(after))
    leaving = [admins.leaving(uid)] if _is_admins(before) and not _is_admins(after) else []
    joining = [admins.joining(uid)] if _is_admins(after) and meta.status == "active" else []
    work = [*leaving, _changed(meta, only_this=True), *joining, *grants.puts(after, replacing=item)]
    _transact([*work, _trail(request, "end_changed", after)], uid, last_admin=bool(leaving))
    return after


def _revoke(request: Request, uid: str, name: str, versions: list[int] | None) -> None:
    # A deleted user's grant can be revoked, because a role with holders cannot be deleted.
    meta = _meta(uid, deleted=True)
    item = _find(uid, name)
    grant, caller = grant_items.record(item), Delegation(request.caller)
    _expect(grant, versions)
    caller.check_target(uid)
    leaving = [admins.leaving(uid)] if _is_admins(grant) and not _others(uid, name) else []
    changed = _changed(meta, only_this=_is_admins(grant) or not caller.is_unlimited)
    work = [*leaving, changed, *grants.deletes(item), _trail(request, "revoked", grant)]
    _transact(work, uid, last_admin=bool(leaving))


def _transact(work: list[dict[str, Any]], uid: str, *, last_admin: bool) -> None:
    """Write the items.

    With `last_admin`, the first item's condition fails for the last administrator.
    """
    try:
        user_table.transact(work)
    except TransactionCanceledError as refused:
        if last_admin and 0 in refused.conditions:
            raise Problem(
                409,
                "last_admin",
                "This is the last administrator. Grant the admin role to another user first.",
            ) from refused
        raise ContentionError(
            f"{uid}: another transaction changed this user's rights."
        ) from refused


def _expect(grant: GrantRecord, versions: list[int] | None) -> None:
    if versions is not None and grant.version not in versions:
        raise etag.stale()


def _others(uid: str, name: str) -> bool:
    """Return True if another grant makes the user an administrator, too.

    The old layout allows that.
    """
    return any(admins.is_permanent(grant) and grant.id != name for grant in grants.everywhere(uid))


def _changed(meta: _UsersMeta, *, only_this: bool) -> dict[str, Any]:
    """Return META's update, which makes older tokens stale.

    It fails if the user's status has changed since the read. `only_this` also requires that the
    rest of their rights is unchanged.
    """
    values = user_table.ONE | ({":version": {"N": str(meta.version)}} if only_this else {})
    return {
        "Update": {
            "Key": user_table.meta_key(meta.uid),
            "UpdateExpression": user_table.RAISE_EPOCH,
            "ConditionExpression": "#status = :status"
            + (" AND version = :version" if only_this else ""),
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": values | {":status": {"S": meta.status}},
        }
    }


def _meta(uid: str, *, deleted: bool = False) -> _UsersMeta:
    """Return the user's META. Raise 404 for an unknown user, or a deleted one unless `deleted`."""
    found = user_table.meta(uid)
    if found is None or (found.is_deleted and not deleted):
        raise not_found()
    return _UsersMeta(found.status, found.access_epoch, found.version, uid=uid)


def _is_admins(grant: GrantRecord) -> bool:
    """Return True if the grant makes its holder an administrator.

    See docs/architecture.md, 'The last administrator'.
    """
    return grant.role == ADMIN and grant.scope == EVERYWHERE and grant.expires_at is None


def _find(uid: str, name: str) -> Item:
    found = grants.find(uid, name)
    if found is None:
        raise Problem(404, "grant_not_found", "The user does not have this grant, or it has ended.")
    return found


def _check(new: NewGrant) -> None:
    """Raise 422 for an invalid grant."""
    errors = list[FieldError]()
    if (new.role is None) == (new.action is None):
        errors.append(FieldError("#/role", "Must be sent with either `role` or `action`, not both"))
    if new.action is not None and new.scope == EVERYWHERE:
        errors.append(
            FieldError("#/scope", "Must be `<type>:<id>` or `<type>:*` when an action is granted")
        )
    errors += [*_end_faults(new.expires_at), *_condition_faults(new)]
    if not errors and new.role is not None and permissions.generation(new.role) is None:
        errors.append(_NO_ROLE)
    if errors:
        raise _unacceptable(errors)


def _check_service(uid: str, new: NewGrant) -> None:
    """Raise 422 if a service would become an administrator."""
    if new.role == ADMIN and services.kind_of(uid) == services.SERVICE:
        raise _unacceptable([FieldError("#/role", "A service cannot hold the role `admin`.")])


def _unacceptable(errors: list[FieldError]) -> Problem:
    return Problem(422, "validation_failed", "The grant is invalid; see `errors`.", errors=errors)


def _end_faults(expires_at: datetime | None) -> list[FieldError]:
    if expires_at is None:
        return []
    if int(expires_at.timestamp()) <= time.time():  # in whole seconds, as stored
        return [FieldError("#/expires_at", "Must be in the future.")]
    if expires_at > _LAST_END:
        return [FieldError("#/expires_at", "Must be before the year 10000 in UTC.")]
    return []


def _condition_faults(new: NewGrant) -> list[FieldError]:
    if new.condition is None:
        return []
    from atrium.identity import conditions  # imported here, because most grants have no condition

    if new.scope == EVERYWHERE:
        detail = (
            "Must be omitted in the scope `*`, because tokens contain its roles. Use `<type>:*`"
        )
        return [FieldError("#/condition", detail)]
    return conditions.faults(new.condition, "#/condition")


def _end(expires_at: datetime | None) -> str | None:
    return None if expires_at is None else grant_items.rfc3339(int(expires_at.timestamp()))


def _is_in_tokens(grant: GrantRecord) -> bool:
    """Return True if the user's tokens name the role."""
    return grant.role is not None and grant.scope == EVERYWHERE


def _check_size(new: GrantRecord) -> None:
    """Raise 422 if the names of the user's roles would not fit into a token.

    The role `admin` always fits. The transaction requires that no other grant comes first.
    """
    if new.role in (None, ADMIN) or not _is_in_tokens(new):
        return
    granted = [*grants.everywhere(new.uid), grant_items.of_record(new)]
    names = grants.role_names(granted)
    if token_size.of_roles(names, grants.generations(granted)) > token_size.MAX_ROLES:
        detail = (
            f"The names of the user's {len(names)} roles would not fit into a token; "
            "revoke one first"
        )
        raise _unacceptable([FieldError("#/role", detail)])


def _trail(request: Request, what: str, grant: GrantRecord) -> dict[str, Any]:
    kind = "role" if grant.role else "right"
    changes = {
        "grant": grant.id,
        "role": grant.role,
        "action": grant.action,
        "scope": grant.scope,
        # Not the condition itself: it may name people, and the trail outlives an erasure.
        "conditional": True if grant.condition else None,
    }
    known = {name: value for name, value in changes.items() if value is not None}
    return audit.entry(request, f"{kind}.{what}", known, grant.uid)


def _representation(
    grant: GrantRecord, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return response.json(
        grant.shown(), status, etag=etag.of_version(grant.version, grant.id), headers=headers
    )
