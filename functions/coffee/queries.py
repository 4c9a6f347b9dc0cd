"""Queries of orders and the menu: each function is one round trip, `insert_order` a part of one."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from atrium.http.request import Rows
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from atrium.stores.postgres import Statement

Status = Literal["placed", "preparing", "ready", "collected", "cancelled"]

REFUSED = ("23502", "23514")
"""The SQLSTATEs of a failed placement: an unknown coffee (no price) or a negative stock."""

_MENU = """
SELECT id, name, price_cents, stock FROM coffees
WHERE :after::uuid IS NULL OR id > :after::uuid ORDER BY id LIMIT :limit::integer
"""

_STOCK = "SELECT id, stock FROM coffees WHERE id = ANY (:coffees::uuid[])"

_ORDERS = """
SELECT orders.id, uid, status, lines, total_cents, version, created_at, updated_at
FROM orders CROSS JOIN LATERAL (
    SELECT
        jsonb_agg(
            jsonb_build_object('coffee', coffee_id, 'quantity', quantity, 'price_cents', price_cents)
            ORDER BY coffee_id
        ) AS lines,
        sum(quantity * price_cents)::bigint AS total_cents
    FROM order_lines WHERE order_id = orders.id
) AS content
"""

_FIND = f"{_ORDERS} WHERE orders.id = :order::uuid AND (:owner::uuid IS NULL OR uid = :owner::uuid)"

_PAGE = f"""{_ORDERS}
WHERE (:every::boolean OR uid = :owner::uuid OR orders.id = ANY (:granted::uuid[])) AND (:status::text IS NULL OR status = :status) AND (:before::uuid IS NULL OR orders.id < :before)
ORDER BY orders.id DESC LIMIT :limit::integer
"""

_PLACE = "INSERT INTO orders (id, uid) VALUES (:order::uuid, :uid::uuid)"

# An unknown coffee has no price, which the column rejects.
_TAKE = """
WITH taken AS (
    UPDATE coffees SET stock = stock - :quantity::bigint WHERE id = :coffee::uuid RETURNING price_cents
)
INSERT INTO order_lines (order_id, coffee_id, quantity, price_cents)
VALUES (:order::uuid, :coffee::uuid, :quantity::bigint, (SELECT price_cents FROM taken))
"""

_AUDIT_PLACED = """
INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
VALUES (:event::uuid, :uid::uuid, :uid::text, 'order.placed', jsonb_build_object('order', :order::uuid), :request_id)
"""

_LOCK = "SELECT status, version FROM orders WHERE id = :order::uuid FOR UPDATE"

# Cancelled items return to the stock. The last condition makes Postgres lock the coffees before the
# trail of the user (audit_chains), as a placement does: in another order the two would deadlock.
_CHANGE = """
WITH changed AS (
    UPDATE orders SET status = :status::text, version = version + 1, updated_at = now()
    WHERE id = :order::uuid AND status = ANY (:allowed_from::text[]) AND (:versions::bigint[] IS NULL OR version = ANY (:versions::bigint[]))
    RETURNING id, uid, status
), returned AS (
    SELECT coffees.id, quantity
    FROM changed JOIN order_lines ON order_id = changed.id JOIN coffees ON coffees.id = coffee_id
    WHERE changed.status = 'cancelled' ORDER BY coffees.id FOR UPDATE OF coffees
), restocked AS (
    UPDATE coffees SET stock = stock + quantity FROM returned WHERE coffees.id = returned.id RETURNING 1
)
INSERT INTO audit_events (id, uid, actor, action, changes, request_id)
SELECT :event::uuid, uid, :actor, 'order.status_changed', jsonb_build_object('order', id, 'fields', '["status"]'::jsonb), :request_id
FROM changed WHERE (SELECT count(*) FROM restocked) >= 0
"""


class Coffee(msgspec.Struct):
    id: UUID
    name: str
    price_cents: int
    stock: int


class Order(msgspec.Struct):
    id: UUID
    uid: UUID
    status: Status
    lines: list[dict[str, Any]]
    total_cents: int
    version: int
    created_at: datetime
    updated_at: datetime


def menu(after: str | None, limit: int) -> list[Coffee]:
    return [Coffee(*row) for row in postgres.query(_MENU, after=after, limit=limit)]


def page(wanted: Rows, status: Status | None, before: str | None, limit: int) -> list[Order]:
    """Return orders that the caller may see or that are candidates for it, the newest first."""
    found = postgres.query(
        _PAGE,
        every=wanted.is_every_row,
        owner=wanted.owner,
        granted=wanted.uuids,
        status=status,
        before=before,
        limit=limit,
    )
    return [Order(*row) for row in found]


def find(order: UUID, owner: str | None) -> Order | None:
    rows = postgres.query(_FIND, order=order, owner=owner)
    return Order(*rows[0]) if rows else None


def insert_order(
    order: UUID, uid: str, quantities: Mapping[UUID, int], request_id: str
) -> list[Statement]:
    """Return the statement that places an order.

    It fails with one of `REFUSED` if a coffee is unknown or out of stock.
    """
    return [
        Statement(_PLACE, {"order": order, "uid": uid}),
        # Rows are locked in a fixed order, which prevents deadlocks between orders.
        *(
            Statement(_TAKE, {"order": order, "coffee": coffee, "quantity": quantities[coffee]})
            for coffee in sorted(quantities)
        ),
        Statement(
            _AUDIT_PLACED, {"event": uuid7(), "uid": uid, "order": order, "request_id": request_id}
        ),
    ]


def select_order(order: UUID) -> Statement:
    return Statement(_FIND, {"order": order, "owner": None})


def stock(wanted: Collection[UUID]) -> dict[UUID, int]:
    """Return the stock of the coffees that exist."""
    return dict(postgres.query(_STOCK, coffees=list(wanted)))


class Change(msgspec.Struct):
    """An order before and after a change of status; both are equal if it was rejected."""

    status: Status
    version: int
    now: Order


def change_status(
    order: UUID,
    status: Status,
    allowed_from: Collection[Status],
    versions: Sequence[int] | None,
    actor: str,
    request_id: str,
) -> Change | None:
    """Set the status if the order's status and version match. Return None if it is unknown."""
    change = Statement(
        _CHANGE,
        {
            "order": order,
            "status": status,
            "allowed_from": list(allowed_from),
            "versions": None if versions is None else list(versions),
            "event": uuid7(),
            "actor": actor,
            "request_id": request_id,
        },
    )
    [met, _, now] = postgres.batch(Statement(_LOCK, {"order": order}), change, select_order(order))
    if not met:
        return None
    [(status_met, version_met)] = met
    return Change(status_met, version_met, Order(*now[0]))
