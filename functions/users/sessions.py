"""The sessions of a user: where they are signed in, and how a session is ended.

META records which sessions were ended, so the API refuses their tokens without another read. A
container that has cached META accepts them up to 30 seconds longer, but never for operations with
current authority. Cognito goes on refreshing a single session that was ended, and the API refuses
what it issues. Only when all sessions of a user are ended does Cognito sign the user out, too.
"""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from atrium.http import etag
from atrium.http.problem import Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.identity import commands, session_records
from atrium.identity.commands import Command
from atrium.identity.delegation import Delegation
from atrium.paging import pages
from atrium.runtime import parallel
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, postgres, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, Meta, TransactionCanceledError
from users import people, queries

MAX_ENDED = 50
"""The most entries of `ended_sessions`: 2.3 KB, so reading META costs one read unit."""

Items = list[dict[str, Any]]


class Changes(NamedTuple):
    """Further changes of META, after those of SET."""

    expression: str = ""
    values: Mapping[str, Any] = MappingProxyType({})


NO_MORE = Changes()
WITHOUT_MFA = Changes(
    " REMOVE mfa, mfa_requested, mfa_change ADD access_epoch :one, version :one",
    {":one": {"N": "1"}},
)
"""Ends MFA, and the effect of a command that is about to enable it."""


class SessionRecord(msgspec.Struct, frozen=True):
    """A session as atrium.identity.session_records stores it. `sk` is its id."""

    sk: str
    device: str
    auth_time: int
    first_seen: int
    last_seen: int
    expires_at: int


class Session(msgspec.Struct):
    """A session as the API shows it.

    `device` is the `User-Agent` of its latest recorded request.
    """

    id: str
    device: str
    signed_in_at: datetime
    first_seen_at: datetime
    last_seen_at: datetime
    current: bool


def list_own(request: Request) -> Response:
    return _list(request, request.caller.uid)


def list_of_user(request: Request) -> Response:
    return _list(request, str(request.uuid("id")))


def end_own(request: Request) -> Response:
    return _end_one(request, request.caller.uid)


def end_of_user(request: Request) -> Response:
    return _end_one(request, str(request.uuid("id")))


def end_others(request: Request) -> Response:
    """End every session of the caller but the current one, which must stay signed in at Cognito."""
    etag.expected_versions(request)
    uid, kept = request.caller.uid, request.caller.session
    trail = _trail(request, uid, {"kept": kept})
    return _end(request, uid, lambda meta: [_all(uid, kept, meta), trail])


def end_all(request: Request) -> Response:
    """End every session of a user, and sign the user out at Cognito."""
    uid = str(request.uuid("id"))
    etag.expected_versions(request)
    _meta(uid)
    arguments = {"uid": uid, "identities": identities(uid)}
    command = Command(str(uuid7()), "sign_out_user", arguments, request.caller.uid)
    return end_every(request, uid, command)


def end_every(request: Request, uid: str, command: Command, more: Changes = NO_MORE) -> Response:
    """End every session, send `command` and apply the `more` changes of META, in one transaction."""
    trail, new = _trail(request, uid, {}), commands.new_item(command)
    return _end(request, uid, lambda meta: [_all(uid, "", meta, more), trail, new])


def identities(uid: str) -> list[list[str]]:
    """Return the provider and subject of each identity of the user."""
    return [list(row) for row in postgres.query(queries.FIND_IDENTITIES, uid=uid)]


def _list(request: Request, uid: str) -> Response:
    page = pages.requested(request)
    after = tuple(page.after) if page.after else None
    recorded = parallel.start(lambda: _recorded(uid))
    meta = _meta(uid)
    found = sorted(_living(recorded.result(), meta), key=_place, reverse=True)
    rest = [record for record in found if after is None or _place(record) < after]
    shown = [_shown(record, request.caller.session) for record in rest[: page.limit + 1]]
    return pages.answer(
        request, page, shown, key=lambda each: (int(each.signed_in_at.timestamp()), each.id)
    )


def _place(record: SessionRecord) -> tuple[int, str]:
    return record.auth_time, record.sk


def _recorded(uid: str) -> list[SessionRecord]:
    items = user_table.query(session_records.partition(uid))
    return [msgspec.convert(item, SessionRecord) for item in items]


def living(uid: str, meta: Meta) -> list[SessionRecord]:
    return _living(_recorded(uid), meta)


def _living(records: list[SessionRecord], meta: Meta) -> list[SessionRecord]:
    """Return the sessions that were not ended and whose refresh token may still be valid."""
    now = time.time()
    return [
        record
        for record in records
        if record.expires_at > now and not meta.has_ended_session(record.sk, record.auth_time)
    ]


def _shown(record: SessionRecord, current: str) -> Session:
    return Session(
        id=record.sk,
        device=record.device,
        signed_in_at=datetime.fromtimestamp(record.auth_time, UTC),
        first_seen_at=datetime.fromtimestamp(record.first_seen, UTC),
        last_seen_at=datetime.fromtimestamp(record.last_seen, UTC),
        current=record.sk == current,
    )


def _end_one(request: Request, uid: str) -> Response:
    session = str(request.uuid("session"))

    def items(meta: Meta) -> Items:
        found = next((each for each in living(uid, meta) if each.sk == session), None)
        if found is None:
            raise Problem(
                404, "session_not_found", "The user has no such session, or it has ended."
            )
        return [_one(uid, meta, found), _trail(request, uid, {"session": session})]

    return _end(request, uid, items)


def _end(request: Request, uid: str, items: Callable[[Meta], Items]) -> Response:
    """Write the items that `items` returns for the user's META. The first item changes META.

    It fails if the user gains rights after the comparison with the caller's rights.
    """

    def write() -> None:
        meta = _meta(uid)
        Delegation(request.caller).check_target(uid)
        try:
            user_table.transact(items(meta))
        except TransactionCanceledError as refused:
            raise ContentionError(f"{uid}: another request changed the sessions.") from refused

    retry_on_conflict(write)
    return Response(204)


def _one(uid: str, meta: Meta, record: SessionRecord) -> dict[str, Any]:
    now = int(time.time())
    ended = {id: end for id, end in meta.ended_sessions.items() if end > now}
    if len(ended) >= MAX_ENDED:
        raise Problem(
            409,
            "too_many_ended_sessions",
            f"{MAX_ENDED} sessions were ended one by one. End all other sessions at once instead.",
        )
    values = {":ended": _map({**ended, record.sk: record.expires_at})}
    update = _update(uid, "SET ended_sessions = :ended", values, meta)
    condition = "(attribute_not_exists(ended_sessions) OR ended_sessions = :read)"
    update["Update"]["ConditionExpression"] += f" AND {condition}"
    update["Update"]["ExpressionAttributeValues"][":read"] = _map(meta.ended_sessions)
    return update


def _all(uid: str, kept: str, meta: Meta, more: Changes = NO_MORE) -> dict[str, Any]:
    values = {":none": _map({}), ":now": {"N": str(int(time.time()))}, ":kept": {"S": kept}}
    expression = "SET ended_sessions = :none, sessions_ended_at = :now, kept_session = :kept"
    return _update(uid, expression + more.expression, {**values, **more.values}, meta)


def _update(uid: str, expression: str, values: dict[str, Any], read: Meta) -> dict[str, Any]:
    """Return the update of META, on the condition that the user is not deleted.

    The user's access epoch must also be the one of `read`.
    """
    known = {f":{status}": {"S": status} for status in user_table.NOT_DELETED}
    condition = f"#status IN ({', '.join(known)}) AND access_epoch = :read_epoch"
    known[":read_epoch"] = {"N": str(read.access_epoch)}
    return {
        "Update": {
            "Key": user_table.meta_key(uid),
            "UpdateExpression": expression,
            "ConditionExpression": condition,
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {**values, **known},
        }
    }


def _map(ended: Any) -> dict[str, Any]:
    return {"M": {id: {"N": str(end)} for id, end in ended.items()}}


def _trail(request: Request, uid: str, changes: dict[str, str]) -> dict[str, Any]:
    action = "session.ended" if "session" in changes else "sessions.ended"
    return audit.entry(request, action, changes, uid)


def _meta(uid: str) -> Meta:
    found = user_table.meta(uid)
    if found is None or found.is_deleted:
        raise people.not_found()
    return found
