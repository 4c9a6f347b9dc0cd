"""`PUT /v1/orders/{id}/status` from every status to every other."""

import itertools

import pytest

from coffee.tests.conftest import ONE_ORDER, Shop, code

STATES = ["placed", "preparing", "ready", "collected", "cancelled"]
LEGAL = {
    ("placed", "preparing"),
    ("placed", "cancelled"),
    ("preparing", "ready"),
    ("preparing", "cancelled"),
    ("ready", "collected"),
}


@pytest.fixture(scope="module")
def coffee(shop: Shop) -> str:
    return shop.new_coffee(1000)


def order_in(shop: Shop, coffee: str, state: str) -> str:
    order = str(shop.placed((coffee, 1)).json["id"])
    shop.database.run(
        "UPDATE orders SET status = :state WHERE id = :order", state=state, order=order
    )
    return order


@pytest.mark.parametrize(("before", "after"), list(itertools.product(STATES, STATES)))
def test_a_transition_is_allowed_or_refused(
    shop: Shop, coffee: str, before: str, after: str
) -> None:
    order, stock = order_in(shop, coffee, before), shop.stock(coffee)
    answer = shop.set_status(order, after)
    if (before, after) in LEGAL:
        assert (answer.status, answer.json["status"]) == (200, after)
    else:
        assert (answer.status, code(answer)) == (409, "transition_illegal")
        assert before in answer.json["detail"]
    assert shop.read(order).json["status"] == (after if (before, after) in LEGAL else before)
    given_back = (before, after) in LEGAL and after == "cancelled"
    assert shop.stock(coffee) == stock + given_back


def test_an_unknown_state_is_refused(shop: Shop, coffee: str) -> None:
    assert shop.set_status(order_in(shop, coffee, "placed"), "unheard_of").status == 422


def test_a_change_needs_the_permission(shop: Shop, coffee: str) -> None:
    order = order_in(shop, coffee, "placed")
    refused = shop.set_status(order, "cancelled", person=shop.customer)
    assert (refused.status, code(refused)) == (403, "permission_missing")


def test_a_change_needs_the_current_version(shop: Shop, coffee: str) -> None:
    placed = shop.placed((coffee, 1))
    order, etag = placed.json["id"], placed.headers["etag"]
    assert shop.set_status(order, "preparing", etag=None).status == 428
    changed = shop.set_status(order, "preparing", etag)
    assert changed.status == 200
    assert shop.set_status(order, "cancelled", etag).status == 412
    assert shop.read(order).json["status"] == "preparing"
    assert shop.set_status(order, "cancelled", changed.headers["etag"]).status == 200


def test_one_of_many_changes_of_the_same_version_succeeds(shop: Shop, coffee: str) -> None:
    placed = shop.placed((coffee, 1))
    order, etag, stock = placed.json["id"], placed.headers["etag"], shop.stock(coffee)
    answers = shop.at_once(
        [lambda: shop.set_status(order, "cancelled", etag)] * 50, ONE_ORDER, order
    )
    assert sorted(answer.status for answer in answers) == [200] + [412] * 49
    assert shop.read(order).json["version"] == 2
    assert shop.stock(coffee) == stock + 1


def test_an_unknown_order_is_404(shop: Shop, coffee: str) -> None:
    refused = shop.set_status(coffee, "ready")
    assert (refused.status, code(refused)) == (404, "order_not_found")
