"""Idempotent creation in the table of user attributes, in one TransactWriteItems.

create = {"Put": {"Item": grant, "ConditionExpression": "attribute_not_exists(pk)"}}
made = once(request, [create, bump], result)
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from atrium.http import idempotency_key
from atrium.http.idempotency_key import LIFETIME_SECONDS, Once
from atrium.http.request import Request
from atrium.stores import user_table
from atrium.stores.about import about
from atrium.stores.user_table import ContentionError, TransactionCanceledError

__all__ = ["Once", "WorkRefusedError", "once"]

_CLAIM = 0


class WorkRefusedError(Exception):
    """Conditions of the work failed. Nothing was written; `items` are their places."""

    def __init__(self, items: frozenset[int]) -> None:
        super().__init__(f"Conditions of the items {sorted(items)} failed.")
        self.items = items


def once(
    request: Request,
    work: Sequence[dict[str, Any]],
    result: Mapping[str, object],
    of_user: str | None = None,
) -> Once:
    """Claim the request's key, do the work and record `result`; return it as JSON values.

    `of_user` is the user whom the result is about: an erasure deletes the record, too.
    `work` holds up to 98 items for `user_table.transact`. It takes one call, or two for a
    replay. Raise 400 without a key, 409 while the first request is in progress, 422 if the key
    was used for a different request. Raises WorkRefusedError and user_table.TableUnavailableError
    (ContentionError in case of conflicts).
    """
    caller, name = request.caller.uid, f"{request.route}#{idempotency_key.of(request)}"
    encoded = msgspec.json.encode(dict(result), enc_hook=str).decode()
    for _ in range(2):  # a record may expire between the conflict and the read
        try:
            user_table.transact([_claim(request, caller, name, encoded, of_user), *work])
        except TransactionCanceledError as refused:
            if _CLAIM in refused.conflicts:
                raise idempotency_key.in_flight() from None
            if _CLAIM not in refused.conditions:
                raise _refusal(refused) from refused
        else:
            return Once(msgspec.json.decode(encoded), False)
        if found := user_table.record(caller, name):
            return idempotency_key.replay(
                request, found["fingerprint"], msgspec.json.decode(found["result"])
            )
    raise idempotency_key.in_flight()


def _claim(
    request: Request, caller: str, name: str, result: str, of_user: str | None
) -> dict[str, Any]:
    """Return the item that claims the key. An expired record counts as absent: TTL deletes late."""
    now = int(time.time())
    item = {
        "pk": {"S": f"IDEMPOTENCY#{caller}"},
        "sk": {"S": name},
        "fingerprint": {"S": idempotency_key.fingerprint(request)},
        "result": {"S": result},
        "expires_at": {"N": str(now + LIFETIME_SECONDS)},
    }
    if of_user:
        item |= {key: {"S": value} for key, value in about(of_user).items()}
    return {
        "Put": {
            "Item": item,
            "ConditionExpression": "attribute_not_exists(pk) OR expires_at <= :now",
            "ExpressionAttributeValues": {":now": {"N": str(now)}},
        }
    }


def _refusal(refused: TransactionCanceledError) -> Exception:
    if refused.conditions:
        return WorkRefusedError(frozenset(place - 1 for place in refused.conditions))
    return ContentionError(f"Another transaction changed the same items: {refused}")
