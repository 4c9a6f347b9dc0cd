"""Orders: customers place them, and holders of the permission change their status."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from atrium.http import etag, response
from atrium.http.problem import FieldError, Problem
from atrium.http.request import Request
from atrium.http.response import Response
from atrium.paging import pages
from atrium.runtime.uuid7 import uuid7
from atrium.stores import idempotency, postgres
from coffee import queries
from coffee.queries import Order, Status

NEXT: dict[Status, tuple[Status, ...]] = {
    "placed": ("preparing", "cancelled"),
    "preparing": ("ready", "cancelled"),
    "ready": ("collected",),
    "collected": (),
    "cancelled": (),
}


class OrderLine(msgspec.Struct, forbid_unknown_fields=True):
    coffee: UUID
    quantity: Annotated[int, Meta(ge=1, le=100)]


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    lines: Annotated[list[OrderLine], Meta(min_length=1, max_length=20)]


class NewStatus(msgspec.Struct, forbid_unknown_fields=True):
    status: Status


class OrderFilter(pages.Parameters):
    status: Status | None = None


def list_(request: Request) -> Response:
    wanted = request.parameters(OrderFilter)
    page = pages.requested(request, wanted)
    rows = request.rows

    def read(after: tuple[str] | None, limit: int) -> list[Order]:
        [before] = after or [None]
        return queries.page(rows, wanted.status, before, limit)

    return pages.filtered(
        request,
        page,
        read,
        key=lambda order: (order.id,),
        shows=lambda order: rows.shows(order.id, order.uid, _properties(order)),
    )


def properties_of(id: str) -> dict[str, Any] | None:
    """Return the properties of an order that the conditions of grants may use."""
    try:
        found = queries.find(UUID(id), None)
    except ValueError:
        return None
    return None if found is None else _properties(found)


def _properties(order: Order) -> dict[str, Any]:
    return {"owner": str(order.uid), "status": order.status, "total_cents": order.total_cents}


def place(request: Request) -> Response:
    lines = request.decode(NewOrder).lines
    quantities = Counter[UUID]()
    for line in lines:
        quantities[line.coffee] += line.quantity
    order = uuid7()
    statements = queries.insert_order(order, request.caller.uid, quantities, request.request_id)
    try:
        made = idempotency.once(request, statements, result=queries.select_order(order))
    except postgres.DatabaseError as error:
        if error.code not in queries.REFUSED:
            raise
        raise _refusal(lines, quantities) from error
    placed = msgspec.convert(made.row, Order)
    location = request.href(f"/v1/orders/{placed.id}")
    return _representation(placed, 201, {"Location": location, **made.headers})


def read(request: Request) -> Response:
    found = queries.find(request.uuid("id"), _owner(request))
    if found is None:
        raise _not_found()
    return _representation(found)


def set_status(request: Request) -> Response:
    order, wanted = request.uuid("id"), request.decode(NewStatus).status
    versions = etag.expected_versions(request)
    allowed_from = [status for status, following in NEXT.items() if wanted in following]
    change = queries.change_status(
        order, wanted, allowed_from, versions, request.caller.uid, request.request_id
    )
    if change is None:
        raise _not_found()
    if versions is not None and change.version not in versions:
        raise etag.stale()
    if change.status not in allowed_from:
        following = " or ".join(NEXT[change.status]) or "nothing else"
        detail = f"The order is {change.status}; it can become {following}."
        raise Problem(409, "transition_illegal", detail)
    return _representation(change.now)


def _owner(request: Request) -> str | None:
    """Return the uid whose orders the caller may see, or None for all."""
    return request.caller.uid if request.row_access == "self" else None


def _refusal(lines: Sequence[OrderLine], quantities: Mapping[UUID, int]) -> Problem:
    """Return why an order could not be placed, by the current menu and stock."""
    stock = queries.stock(quantities)
    unknown = [
        FieldError(f"#/lines/{index}/coffee", "This coffee does not exist")
        for index, line in enumerate(lines)
        if line.coffee not in stock
    ]
    if unknown:
        return Problem(
            422, "validation_failed", "Some lines are invalid; see `errors`.", errors=unknown
        )
    short = [
        FieldError(
            f"#/lines/{index}/quantity",
            f"Must be at most {stock[line.coffee]}, the quantity in stock",
        )
        for index, line in enumerate(lines)
        if stock[line.coffee] < quantities[line.coffee]
    ]
    return Problem(
        409,
        "out_of_stock",
        "Not enough stock; `errors` lists the coffees that ran short.",
        errors=short,
    )


def _representation(
    order: Order, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return response.json(order, status, etag=etag.of_version(order.version), headers=headers)


def _not_found() -> Problem:
    return Problem(
        404, "order_not_found", "The order does not exist, or you do not have access to it."
    )
