"""Scoped grants and conditions in the operations of a service: orders of the service `coffee`.

The handler runs with a real Postgres and moto's table. Grants and roles are made by the service
`access`.
"""

import itertools
import json
import os
import random
import time
from collections import Counter
from typing import Any

import pg8000.native
import pytest

from atrium.http import response
from atrium.http.request import Request, Rows
from atrium.http.response import Response
from atrium.identity import granted, permissions
from atrium.identity.rules import Alternative
from atrium.paging import pages
from coffee import queries
from coffee.handler import handler as coffee
from migrate import signing_keys
from tests.unit.access.conftest import Service
from tests.unit.conftest import Logs, forget
from tests.unit.events import Context, answer, api_event, claims
from tests.unit.service import service
from tools.laptop.answer import Answer

ADMIN = "01890a5d-ac96-774b-bcce-000000000001"
ADA = "01890a5d-ac96-774b-bcce-00000000000a"
BOB = "01890a5d-ac96-774b-bcce-00000000000b"
SMALL = {"<": [{"var": "resource.total_cents"}, 500]}
OWNS = {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]}

ROUNDS = int(os.environ.get("ROUNDS", "4"))
"""The number of comparisons with the decision point. Each has three grants and six orders."""

_keys = itertools.count()


class Shop:
    """The orders of Bob. Ada needs a grant to see one."""

    def __init__(self, database: pg8000.native.Connection, table: Service) -> None:
        self.database, self.table = database, table
        database.run("DELETE FROM order_lines")
        database.run("DELETE FROM orders")
        [[self.espresso]] = database.run(  # at 220
            "UPDATE coffees SET stock = 1000 WHERE name = 'Espresso' RETURNING id"
        )

    def call(
        self, route: str, id: str = "", body: Any = None, uid: str = ADA, **more: Any
    ) -> Answer:
        sent = {
            "Content-Type": "application/json",
            "If-Match": "*",
            "Idempotency-Key": str(next(_keys)),
        }
        token = claims(uid=uid, access_epoch=str(self.table.epoch(uid)), **more)
        event = api_event(route, body and json.dumps(body), sent, token, self.query)
        event["pathParameters"] = {"id": id} if id else None
        return answer(coffee(event, Context()))

    query: dict[str, list[str]] | None = None

    def place(self, quantity: int = 1, uid: str = BOB) -> str:
        body = {"lines": [{"coffee": str(self.espresso), "quantity": quantity}]}
        made = self.call("POST /v1/orders", body=body, uid=uid)
        assert made.status == 201, made.text
        return str(made.json["id"])

    def grant(self, uid: str = ADA, **body: Any) -> str:
        made = self.table.post(f"/v1/users/{uid}/grants", body)
        assert made.status == 201, made.text
        return str(made.json["id"])

    def reads(self, order: str) -> int:
        return self.call("GET /v1/orders/{id}", order).status

    def lists(self, uid: str = ADA) -> list[str]:
        found = self.call("GET /v1/orders", uid=uid)
        assert found.status == 200, found.text
        return [order["id"] for order in found.json["items"]]


@pytest.fixture
def shop(database: pg8000.native.Connection, table: Any) -> Shop:
    service = Service(table)
    for uid in (ADMIN, ADA, BOB):
        service.new_user(uid)
    service.grant(ADMIN, role="admin")
    signing_keys.make(rotate=False)
    return Shop(database, service)


def test_a_grant_on_one_order_shows_this_order_only(shop: Shop) -> None:
    first, second, own = shop.place(), shop.place(), shop.place(uid=ADA)
    assert (shop.reads(first), shop.lists()) == (404, [own])
    given = shop.grant(action="read", scope=f"orders:{first}")
    assert (shop.reads(first), shop.reads(second), shop.reads(own)) == (200, 404, 200)
    assert shop.lists() == [own, first]
    assert shop.lists(BOB) == [second, first]
    path = f"/v1/users/{ADA}/grants/{given}"
    assert shop.table.ask("DELETE", path, If_Match="*").status == 204
    assert (shop.reads(first), shop.lists()) == (404, [own])


@pytest.mark.parametrize("of", ["a grant", "a role"])
def test_a_condition_decides_by_the_properties_of_each_order(shop: Shop, of: str) -> None:
    small, large = shop.place(1), shop.place(3)
    if of == "a grant":
        shop.grant(action="read", scope="orders:*", condition=SMALL)
    else:
        held = [{"permission": "orders.read", "condition": SMALL}]
        body = {"description": "x", "permissions": [], "conditional_permissions": held}
        assert shop.table.ask("PUT", "/v1/roles/clerk", body, If_None_Match="*").status == 201
        shop.grant(role="clerk")
    assert (shop.reads(small), shop.reads(large)) == (200, 404)
    assert shop.reads("01890a5d-ac96-774b-bcce-00000000ffff") == 404
    assert shop.call("GET /v1/orders/{id}", "no-uuid").status == 400
    assert shop.lists() == [small]
    shop.query = {"status": ["cancelled"]}
    assert shop.lists() == []


def test_a_condition_on_an_unknown_property_never_permits(shop: Shop) -> None:
    order = shop.place()
    unknown = {"!": [{"==": [{"var": "context.amount"}, 1]}]}
    for scope in ("orders:*", f"orders:{order}"):
        shop.grant(action="read", scope=scope, condition=unknown)
        shop.grant(action="write", scope=scope, condition={"<": [{"var": "resource.colour"}, 5]})
    assert (shop.reads(order), shop.lists()) == (404, [])
    changed = shop.call("PUT /v1/orders/{id}/status", order, {"status": "preparing"})
    assert (changed.status, changed.json["code"]) == (403, "permission_missing")


def test_a_grant_on_all_orders_shows_all(shop: Shop) -> None:
    orders = [shop.place(), shop.place(uid=ADA)]
    shop.grant(role="admin", scope="orders:*")
    assert shop.lists() == orders[::-1]
    assert shop.reads(orders[0]) == 200


def test_a_condition_on_the_id_does_not_show_all_orders(shop: Shop) -> None:
    first, second = shop.place(), shop.place()
    other = {"!=": [{"var": "resource.id"}, first]}
    shop.grant(action="read", scope="orders:*", condition=other)
    assert (shop.lists(), shop.reads(first), shop.reads(second)) == ([second], 404, 200)


def test_a_condition_on_the_id_decides_by_its_canonical_form(shop: Shop) -> None:
    first, second = shop.place(), shop.place()
    but_first = {"!=": [{"var": "resource.id"}, first]}
    shop.grant(action="read", scope="orders:*", condition=but_first)
    assert (shop.reads(first), shop.reads(second)) == (404, 200)
    assert (shop.reads(first.upper()), shop.reads(second.upper())) == (404, 200)


def test_grants_of_other_rights_do_not_show_the_order(shop: Shop) -> None:
    order = shop.place()
    end = int(time.time()) - 1
    shop.grant(action="write", scope=f"orders:{order}")
    shop.grant(action="read", scope=f"order:{order}")
    shop.grant(action="read", scope="orders:no-uuid")
    shop.table.grant(ADA, f"orders:{order}", action="read", expires_at=end)
    assert (shop.reads(order), shop.lists()) == (404, [])


def test_a_change_is_decided_by_the_current_state_of_the_order(shop: Shop) -> None:
    first, second = shop.place(), shop.place()
    placed = {"==": [{"var": "resource.status"}, "placed"]}
    shop.grant(action="write", scope=f"orders:{first}", condition=placed)

    def change(order: str, status: str) -> int:
        return shop.call("PUT /v1/orders/{id}/status", order, {"status": status}).status

    assert change(second, "preparing") == 403
    assert change(first, "preparing") == 200
    assert change(first, "ready") == 403, "the order is no longer placed"


def test_a_change_ignores_the_cache_of_roles(shop: Shop) -> None:
    order = shop.place()
    body: dict[str, Any] = {"description": "x", "permissions": ["orders.write"]}
    assert shop.table.ask("PUT", "/v1/roles/clerk", body, If_None_Match="*").status == 201
    shop.grant(role="clerk", scope="orders:*")
    permissions.cached("clerk")
    emptied = body | {"permissions": []}
    assert shop.table.ask("PUT", "/v1/roles/clerk", emptied, If_Match="*").status == 200
    changed = shop.call("PUT /v1/orders/{id}/status", order, {"status": "preparing"})
    assert changed.status == 403


def test_a_scoped_grant_of_a_role_that_needs_mfa_permits_nothing(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = shop.place()
    shop.grant(role="admin", scope=f"orders:{order}")
    assert shop.reads(order) == 200
    monkeypatch.setenv("MFA_ROLES", "admin")
    forget()
    assert (shop.reads(order), shop.lists()) == (404, [])


def test_pages_are_short_if_many_rows_are_filtered_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read two rows for a page. Only the first and the last order are small."""
    monkeypatch.setattr(pages, "MAX_READ", 2)
    orders = [shop.place(quantity) for quantity in (1, *[3] * 8, 1)]
    shop.grant(action="read", scope="orders:*", condition=SMALL)
    shown, shop.query = list[list[str]](), {"limit": ["1"]}
    while len(shown) < 10:
        found = shop.call("GET /v1/orders").json
        shown.append([order["id"] for order in found["items"]])
        if found["next_cursor"] is None:
            break
        shop.query = {"limit": ["1"], "cursor": [found["next_cursor"]]}
    assert [each for page in shown for each in page] == [orders[9], orders[0]]
    assert [] in shown


def test_a_small_page_reads_many_rows_at_a_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    [small, *_] = [shop.place(quantity) for quantity in (1, *[3] * 5)]
    shop.grant(action="read", scope="orders:*", condition=SMALL)
    limits, page = list[int](), queries.page

    def counted(rows: Rows, status: Any, before: str | None, limit: int) -> list[queries.Order]:
        limits.append(limit)
        return page(rows, status, before, limit)

    monkeypatch.setattr(queries, "page", counted)
    shop.query = {"limit": ["1"]}
    assert (shop.lists(), limits) == ([small], [2, pages.MAX_LIMIT])


@pytest.mark.parametrize("of_all", [False, True])
def test_too_many_grants_on_single_orders_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, of_all: bool
) -> None:
    monkeypatch.setattr(granted, "MAX_GRANTS", 2)
    orders = [shop.place(3) for _ in range(3)]
    if of_all:
        shop.grant(action="read", scope="orders:*", condition=SMALL)
    for order in orders:
        shop.grant(action="read", scope=f"orders:{order}")
    refused = shop.call("GET /v1/orders")
    assert (refused.status, refused.json["code"]) == (403, "too_many_grants")
    assert shop.reads(orders[0]) == 200
    if of_all:
        return
    shop.grant(action="read", scope="orders:*")
    assert shop.lists() == orders[::-1]


def test_the_service_and_the_decision_point_agree(shop: Shop) -> None:
    """Compare the list and each order with evaluations, on random grants and conditions."""
    chance = random.Random(19)  # noqa: S311  no secret
    orders = {shop.place(quantity, uid): None for quantity in (1, 2, 3) for uid in (ADA, BOB)}
    conditions = [
        None,
        SMALL,
        OWNS,
        {"!": [OWNS]},
        {"or": [SMALL, {"!": [OWNS]}]},
        {"==": [{"var": "context.x"}, 1]},
    ]
    tally = Counter[bool]()
    for _ in range(ROUNDS):
        made = [
            shop.table.post(
                f"/v1/users/{ADA}/grants",
                {"scope": f"orders:{scope}", **right, "condition": condition},
            )
            for scope, right, condition in zip(
                chance.choices([*orders, "*"], k=3),
                chance.choices(
                    [{"action": "read"}, {"action": "write"}, {"role": "admin"}], [6, 1, 1], k=3
                ),
                chance.choices(conditions, k=3),
                strict=True,
            )
        ]
        expected = list[str]()
        for order in orders:
            seen = shop.call("GET /v1/orders/{id}", order, uid=BOB, roles="admin").json
            stated = {
                "owner": seen["uid"],
                "status": seen["status"],
                "total_cents": seen["total_cents"],
            }
            asked = {
                "subject": {"type": "user", "id": ADA},
                "action": {"name": "read"},
                "resource": {"type": "orders", "id": order, "properties": stated},
            }
            permits = shop.table.ask("POST", "/access/v1/evaluation", asked).json["decision"]
            tally[permits] += 1
            is_shown = permits or seen["uid"] == ADA
            assert shop.reads(order) == (200 if is_shown else 404)
            if is_shown:
                expected.append(order)
        assert shop.lists() == expected[::-1]
        for each in made:
            if each.status == 201:
                assert (
                    shop.table.ask("DELETE", each.headers["location"], If_Match="*").status == 204
                )
    assert min(tally[True], tally[False]) > 0


def test_an_operation_that_ignores_the_filter_fails(shop: Shop, logs: Logs) -> None:
    route = "GET /v1/things"

    def list_(request: Request) -> Response:
        return response.json({"items": ["anything"]})

    handler = service({route: list_}, {route: [Alternative("decision", "things.read")]})
    event = api_event(route, token=claims(uid=ADA))
    assert answer(handler(event, Context())).status == 500
    assert "does not read request.rows" in str(logs.line()["error"])
