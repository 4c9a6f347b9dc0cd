"""Orders: their prices, and who may see them."""

import uuid

import pytest

from coffee.tests.conftest import Shop, code
from tools.laptop.client import Client, Person


def test_an_order_uses_the_menus_prices(shop: Shop) -> None:
    cheap, dear = shop.new_coffee(10, 220), shop.new_coffee(10, 340)
    answer = shop.placed((dear, 2), (cheap, 3))
    order = answer.json
    assert order["total_cents"] == 2 * 340 + 3 * 220
    assert {line["coffee"]: (line["quantity"], line["price_cents"]) for line in order["lines"]} == {
        cheap: (3, 220),
        dear: (2, 340),
    }
    assert (order["status"], order["uid"]) == ("placed", shop.customer.uid)
    assert (shop.stock(cheap), shop.stock(dear)) == (7, 8)
    found = shop.client.call("GET", answer.headers["location"], shop.customer.token)
    assert (found.json, found.headers["etag"]) == (order, answer.headers["etag"])


def test_a_new_price_applies_to_new_orders(shop: Shop) -> None:
    coffee = shop.new_coffee(10, 220)
    order = shop.placed((coffee, 2)).json["id"]
    shop.database.run("UPDATE coffees SET price_cents = 999 WHERE id = :coffee", coffee=coffee)
    assert shop.read(order).json["total_cents"] == 440
    assert shop.placed((coffee, 2)).json["total_cents"] == 1998


def test_lines_of_the_same_coffee_are_merged(shop: Shop) -> None:
    coffee = shop.new_coffee(3)
    order = shop.placed((coffee, 1), (coffee, 2)).json
    assert [line["quantity"] for line in order["lines"]] == [3]
    assert shop.stock(coffee) == 0


def test_an_order_above_the_stock_changes_nothing(shop: Shop) -> None:
    plenty, scarce = shop.new_coffee(10), shop.new_coffee(2)
    refused = shop.place((plenty, 1), (scarce, 3))
    assert (refused.status, code(refused)) == (409, "out_of_stock")
    assert refused.json["errors"] == [
        {"pointer": "#/lines/1/quantity", "detail": "Must be at most 2, the quantity in stock"}
    ]
    assert (shop.stock(plenty), shop.stock(scarce)) == (10, 2)


def test_an_unknown_coffee_changes_nothing(shop: Shop) -> None:
    coffee = shop.new_coffee(10)
    refused = shop.place((coffee, 1), (str(uuid.uuid4()), 1))
    assert (refused.status, code(refused)) == (422, "validation_failed")
    assert [error["pointer"] for error in refused.json["errors"]] == ["#/lines/1/coffee"]
    assert shop.stock(coffee) == 10


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"lines": []}, ["#/lines"]),
        (
            {"lines": [{"coffee": "no uuid", "quantity": 0}]},
            ["#/lines/0/coffee", "#/lines/0/quantity"],
        ),
        (
            {"lines": [{"coffee": str(uuid.uuid4()), "quantity": 1, "price_cents": 1}]},
            ["#/lines/0/price_cents"],
        ),
        ({"total_cents": 1}, ["#/lines", "#/total_cents"]),
    ],
)
def test_every_invalid_field_is_named(
    client: Client, member: Person, body: object, pointers: list[str]
) -> None:
    refused = client.call(
        "POST", "/v1/orders", member.token, body, Idempotency_Key=str(uuid.uuid4())
    )
    assert refused.status == 422
    assert sorted(error["pointer"] for error in refused.json["errors"]) == pointers


def test_orders_of_others_need_the_permission(shop: Shop) -> None:
    order = shop.placed((shop.new_coffee(1), 1)).json
    stranger = shop.client.new_member()
    assert (
        shop.read(order["id"], stranger).status,
        shop.read(order["id"], shop.barista).status,
    ) == (404, 200)
    assert shop.client.call("GET", "/v1/orders", stranger.token).json["items"] == []
    newest = shop.client.call("GET", "/v1/orders?limit=1", shop.barista.token)
    assert newest.json["items"] == [order]


def test_a_conditional_grant_shows_others_orders(shop: Shop) -> None:
    """Check this under the function's real policy. tests/unit/test_granted_rows.py has the rest."""
    client, order = shop.client, shop.placed((shop.new_coffee(1), 1)).json
    admin = client.sign_in(Person(client.outputs.admin_email, client.outputs.admin_password))
    friend = client.new_member()
    schema = {"type": "object", "properties": {"name": {"type": "string"}}}
    team = {"description": "Teams", "personal": False, "in_token": True, "schema": schema}
    made = client.call("PUT", "/v1/namespaces/team", admin.token, team, If_None_Match="*")
    assert made.status in (201, 412), made.body
    name = f"/v1/users/{friend.uid}/attributes/team/name"
    stored = client.call("PUT", name, admin.token, {"value": "audit"}, If_None_Match="*")
    assert stored.status == 201, stored.body
    condition = {
        "and": [
            {"==": [{"var": "resource.owner"}, shop.customer.uid]},
            {"==": [{"var": "subject.attributes.team.name"}, "audit"]},
        ]
    }
    grant = {"action": "read", "scope": "orders:*", "condition": condition}
    made = client.call(
        "POST",
        f"/v1/users/{friend.uid}/grants",
        admin.token,
        grant,
        Idempotency_Key=str(uuid.uuid4()),
    )
    assert made.status == 201, made.body
    friend = client.sign_in(friend)
    assert shop.read(order["id"], friend).json == order
    listed = client.call("GET", "/v1/orders?limit=1", friend.token).json["items"]
    assert listed == [order]


def test_the_list_is_filtered_and_comes_in_pages(shop: Shop) -> None:
    coffee = shop.new_coffee(10)
    orders = [shop.placed((coffee, 1)).json["id"] for _ in range(3)]
    shop.set_status(orders[1], "cancelled")
    own = shop.customer.token
    first = shop.client.call("GET", "/v1/orders?status=placed&limit=1", own)
    assert [order["id"] for order in first.json["items"]] == orders[2:]
    second = shop.client.call(
        "GET", f"/v1/orders?status=placed&limit=1&cursor={first.json['next_cursor']}", own
    )
    assert [order["id"] for order in second.json["items"]] == orders[:1]


def test_an_order_and_its_audit_event_are_one_transaction(shop: Shop) -> None:
    order = shop.placed((shop.new_coffee(1), 1)).json["id"]
    shop.set_status(order, "preparing")
    trail = shop.database.run(
        "SELECT action, uid::text, actor FROM audit_events WHERE changes ->> 'order' = :order ORDER BY id",
        order=order,
    )
    uid = shop.customer.uid
    assert trail == [["order.placed", uid, uid], ["order.status_changed", uid, shop.barista.uid]]
