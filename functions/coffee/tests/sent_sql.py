"""A customer reads the menu and places orders, which succeed, fail or change their status."""

from contextlib import suppress

from atrium.http.request import Rows
from atrium.runtime.uuid7 import uuid7
from atrium.stores import postgres
from coffee import queries

CUSTOMER, BARISTA = "01920000-0000-7000-8000-000000000001", "01920000-0000-7000-8000-000000000002"


def run() -> None:
    [coffee, *_] = queries.menu(None, 3)
    queries.menu(str(coffee.id), 3)
    order = uuid7()
    place = queries.insert_order(order, CUSTOMER, {coffee.id: 2}, "request-1")
    postgres.batch(*place, queries.select_order(order))
    with suppress(postgres.DatabaseError):  # more than the stock
        postgres.batch(*queries.insert_order(uuid7(), CUSTOMER, {coffee.id: 1000}, "request-2"))
    with suppress(postgres.DatabaseError):  # an unknown coffee
        postgres.batch(*queries.insert_order(uuid7(), CUSTOMER, {uuid7(): 1}, "request-3"))
    queries.stock([coffee.id])
    assert queries.find(order, CUSTOMER)
    assert queries.find(order, BARISTA) is None
    assert queries.page(Rows(CUSTOMER), "placed", None, 21)
    assert queries.page(Rows(BARISTA, (str(order),)), None, None, 21)
    assert queries.page(Rows(is_everything=True), None, str(order), 21) == []
    queries.change_status(order, "collected", ["ready"], None, BARISTA, "request-4")
    queries.change_status(order, "preparing", ["placed"], [1], BARISTA, "request-5")
    queries.change_status(order, "cancelled", ["placed", "preparing"], [2], BARISTA, "request-6")
    assert (
        queries.change_status(uuid7(), "preparing", ["placed"], None, BARISTA, "request-7") is None
    )
