"""Current authority: every write of a request to the table carries the caller's condition.

`atrium.api` opens the context of a request, and `user_table` reads it before each write.
Operations do not pass the caller along, so they cannot forget it.

- A route that needs current authority (`rules.Rule.current_authority`) adds the caller's condition
  to each transaction: META is active, has the access epoch of the token, and has not ended its
  session.
- Every other route with a caller may not write to the table.
- Public routes, and functions without a request (triggers, streams, schedules), have no caller
  and no condition.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import msgspec

from atrium.http.problem import Problem
from atrium.http.request import Claims

Item = dict[str, Any]
"""An item of TransactWriteItems: `Put`, `Update`, `Delete` or `ConditionCheck`."""

# The counterpart of `user_table.Meta.confirms`.
_CURRENT = (
    "#caller_status = :caller_status AND #caller_epoch = :caller_epoch"
    " AND attribute_not_exists(#caller_ended.#caller_session)"
    " AND (attribute_not_exists(#caller_ended_at) OR #caller_ended_at < :caller_auth_time"
    " OR #caller_kept = :caller_session)"
)
_NAMES = {
    "#caller_status": "status",
    "#caller_epoch": "access_epoch",
    "#caller_ended": "ended_sessions",
    "#caller_ended_at": "sessions_ended_at",
    "#caller_kept": "kept_session",
}


class TokenStaleError(Problem):
    """The caller's access has changed since their token was issued. Nothing was written.

    `conditions` are the other items of the transaction whose condition failed, counted from 0.
    """

    def __init__(self, conditions: frozenset[int] = frozenset()) -> None:
        super().__init__(
            401, "token_stale", "Your access has changed since this token was issued. Refresh it."
        )
        self.conditions = conditions


class UnconditionalWriteError(Exception):
    """A programming error: a write to the table without the caller's condition."""


class _Context(msgspec.Struct, frozen=True):
    route: str
    caller: Claims
    may_write: bool


_context: ContextVar[_Context | None] = ContextVar("authority", default=None)


@contextmanager
def of_request(route: str, caller: Claims | None, *, current: bool) -> Iterator[None]:
    """Add the condition on the caller's META to each transaction inside the `with` block.

    Unless `current` (the route has `x-atrium-authority: current`), writes of the caller are errors.
    """
    token = _context.set(_Context(route, caller, current) if caller else None)
    try:
        yield
    finally:
        _context.reset(token)


def caller() -> Claims | None:
    """Return the caller whose condition a transaction carries, or None outside of requests.

    Raise UnconditionalWriteError if the route may not write.
    """
    context = _context.get()
    if context is None:
        return None
    if not context.may_write:
        raise UnconditionalWriteError(
            f"{context.route} writes to the table without the caller's condition. "
            "Declare `x-atrium-authority: current` for it in openapi.yaml."
        )
    return context.caller


def refuse_single_write(operation: str) -> None:
    """Raise UnconditionalWriteError during a request, which can only write transactions."""
    if context := _context.get():
        raise UnconditionalWriteError(
            f"{context.route} calls {operation}. Use user_table.transact instead."
        )


def conditioned(
    items: Sequence[Item], caller: Claims, meta: Mapping[str, Any]
) -> tuple[list[Item], int]:
    """Return the items with the caller's condition, and the place of the item that has it.

    `meta` is the key of the caller's META. A transaction may name an item only once. So the
    condition joins that of an item which changes META, if there is one.
    """
    condition = {
        "ConditionExpression": _CURRENT,
        "ExpressionAttributeNames": {**_NAMES, "#caller_session": caller.session},
        "ExpressionAttributeValues": {
            ":caller_status": {"S": "active"},
            ":caller_epoch": {"N": str(caller.access_epoch)},
            ":caller_auth_time": {"N": str(caller.auth_time)},
            ":caller_session": {"S": caller.session},
        },
    }
    for place, item in enumerate(items):
        [(kind, fields)] = item.items()
        if _key(fields) == meta:
            return [*items[:place], {kind: _joined(fields, condition)}, *items[place + 1 :]], place
    return [*items, {"ConditionCheck": {"Key": meta} | condition}], len(items)


def _key(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the key of an item. A Put has the key among its attributes."""
    key: dict[str, Any] = fields.get("Key") or {name: fields["Item"][name] for name in ("pk", "sk")}
    return key


def _joined(fields: Mapping[str, Any], condition: Mapping[str, Any]) -> dict[str, Any]:
    own = fields.get("ConditionExpression")
    both = {name: {**fields.get(name, {}), **condition[name]} for name in _MAPPINGS}
    joined = f"({own}) AND {_CURRENT}" if own else _CURRENT
    return {**fields, **both, "ConditionExpression": joined}


_MAPPINGS = ("ExpressionAttributeNames", "ExpressionAttributeValues")
