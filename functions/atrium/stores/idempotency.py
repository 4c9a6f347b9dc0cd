"""Idempotent creation in Postgres: the key's record is part of the work's transaction.

atrium.stores.idempotency_in_table does the same for DynamoDB.
"""

from collections.abc import Sequence
from typing import Any

from atrium.http import idempotency_key
from atrium.http.idempotency_key import LIFETIME_SECONDS, Once
from atrium.http.request import Request
from atrium.stores import postgres
from atrium.stores.postgres import DatabaseBusyError, DatabaseError, Statement, UniqueViolationError

__all__ = ["NothingMadeError", "Once", "once"]

_OF_KEY = (
    "caller = :idempotency_caller::uuid AND route = :idempotency_route AND key = :idempotency_key"
)
_FORGET = f"DELETE FROM idempotency_keys WHERE {_OF_KEY} AND expires_at <= now()"  # noqa: S608  no input in it
_CLAIM = f"""
INSERT INTO idempotency_keys (caller, route, key, fingerprint, expires_at)
VALUES (
    :idempotency_caller::uuid, :idempotency_route, :idempotency_key, :fingerprint,
    now() + interval '{LIFETIME_SECONDS} seconds'
)
"""  # noqa: S608
_FIND = f"SELECT fingerprint, result FROM idempotency_keys WHERE {_OF_KEY} AND expires_at > now()"  # noqa: S608
_CLAIMING = (0, 1)
"""The statements of a round trip that may wait for the same key."""


class NothingMadeError(Exception):
    """`result` found no row, so the work had no effect. It is rolled back; the key is free."""


def once(request: Request, work: Sequence[Statement], result: Statement) -> Once:
    """Claim the request's key, do the work and return the row of `result`, as JSON values.

    `result` is a SELECT of one row, which is recorded. It takes one round trip, or two for a
    replay. Raise 400 without a key, 409 while the first request is in progress, 422 if the key
    was used for a different request. Raise NothingMadeError, and what `postgres.batch` raises
    for the work, which is then rolled back with the claim.
    """
    key = {
        "idempotency_caller": request.caller.uid,
        "idempotency_route": request.route,
        "idempotency_key": idempotency_key.of(request),
    }
    for _ in range(2):  # a record may expire between the conflict and the read
        try:
            return Once(_make(request, key, work, result), False)
        except UniqueViolationError as taken:
            if taken.constraint != "idempotency_keys_pkey":
                raise
        except DatabaseBusyError as busy:
            if busy.statement in _CLAIMING:
                raise idempotency_key.in_flight() from None
            raise
        if found := postgres.query(_FIND, **key):
            return idempotency_key.replay(request, *found[0])
    raise idempotency_key.in_flight()


def _make(
    request: Request, key: dict[str, str], work: Sequence[Statement], result: Statement
) -> dict[str, Any]:
    claim = Statement(_CLAIM, {**key, "fingerprint": idempotency_key.fingerprint(request)})
    try:
        *_, [(row,)] = postgres.batch(Statement(_FORGET, key), claim, *work, _record(key, result))
    except DatabaseError as error:
        if error.code == "23502" and error.statement == len(work) + 2:
            raise NothingMadeError(
                f"{request.route}: the result has no row. {error.message}"
            ) from error
        raise
    made: dict[str, Any] = row
    return made


def _record(key: dict[str, str], result: Statement) -> Statement:
    """Return the statement that records the result. Without a row it fails and rolls all back."""
    sql = f"""
UPDATE idempotency_keys SET result = (SELECT to_jsonb(made) FROM ({result.sql}) AS made)
WHERE {_OF_KEY} RETURNING result
"""  # noqa: S608  the service's own SQL
    return Statement(sql, {**result.named(), **key})
