"""Concurrent orders, and lost responses."""

import http.client
import json
import os
import signal
import uuid
from collections import Counter as Tally
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from urllib.parse import urlsplit

from coffee.tests.conftest import ONE_COFFEE, Shop, code, wait
from local_aws.supervisor.worker_processes import workers
from tests.support.concurrent_requests import waiting
from tools.deploy import stack_settings
from tools.laptop.answer import Answer

WRITERS = 50


def test_the_last_items_are_sold_once(shop: Shop) -> None:
    coffee = shop.new_coffee(3)
    answers = shop.at_once([lambda: shop.place((coffee, 1))] * WRITERS, ONE_COFFEE, coffee)
    assert Tally(answer.status for answer in answers) == {201: 3, 409: WRITERS - 3}
    assert {code(answer) for answer in answers if answer.status == 409} == {"out_of_stock"}
    assert shop.stock(coffee) == 0


def test_orders_of_the_same_coffees_cause_no_deadlock(shop: Shop) -> None:
    """Send lines in opposite orders with cancellations between them: a deadlock would be a 503."""
    one, other = sorted([shop.new_coffee(1000), shop.new_coffee(1000)])
    to_cancel = [shop.placed((one, 1), (other, 1)).json["id"] for _ in range(20)]
    calls: list[Callable[[], Answer]] = []
    for order in to_cancel:
        calls += [
            partial(shop.place, (one, 1), (other, 1)),
            partial(shop.place, (other, 1), (one, 1)),
        ]
        calls += [partial(shop.set_status, order, "cancelled")]
    answers = shop.at_once(calls, ONE_COFFEE, one)
    assert Tally(answer.status for answer in answers) == {201: 40, 200: 20}
    assert (shop.stock(one), shop.stock(other)) == (960, 960)


def test_identical_requests_place_one_order(shop: Shop) -> None:
    coffee, key = shop.new_coffee(1000), str(uuid.uuid4())
    answers = shop.at_once([lambda: shop.place((coffee, 2), key=key)] * WRITERS, ONE_COFFEE, coffee)
    placed = [answer for answer in answers if answer.status == 201]
    # On a busy machine the wait for the first one may end at the database's lock timeout, with 503.
    assert {code(answer) for answer in answers if answer.status != 201} <= {
        "idempotency_in_flight",
        "unavailable",
    }
    again = shop.place((coffee, 2), key=key)
    assert (again.status, again.headers.get("idempotency-replayed")) == (201, "true")
    assert {answer.body for answer in placed} == {again.body}
    assert [answer.headers.get("idempotency-replayed") for answer in placed].count(None) == 1
    assert shop.stock(coffee) == 998


def test_a_key_belongs_to_one_request(shop: Shop) -> None:
    coffee, key = shop.new_coffee(1000), str(uuid.uuid4())
    assert shop.place((coffee, 1), key=key).status == 201
    refused = shop.place((coffee, 2), key=key)
    assert (refused.status, code(refused)) == (422, "idempotency_key_reused")
    assert shop.stock(coffee) == 999


def test_a_refused_order_leaves_its_key_free(shop: Shop) -> None:
    coffee, key = shop.new_coffee(0), str(uuid.uuid4())
    assert shop.place((coffee, 1), key=key).status == 409
    shop.database.run("UPDATE coffees SET stock = 1 WHERE id = :coffee", coffee=coffee)
    assert shop.place((coffee, 1), key=key).status == 201


def test_a_lost_response_is_replayed(shop: Shop) -> None:
    coffee, key = shop.new_coffee(10), str(uuid.uuid4())
    hang_up_before_the_answer(shop, coffee, key)
    wait(lambda: shop.stock(coffee) == 9)
    again = shop.place((coffee, 1), key=key)
    assert (again.status, again.headers.get("idempotency-replayed")) == (201, "true")
    assert (shop.stock(coffee), again.json) == (9, shop.read(again.json["id"]).json)


def test_an_order_whose_worker_dies_before_the_response_is_placed_once(shop: Shop) -> None:
    """Kill it while Postgres waits for a lock: the statements that it sent run once the lock is
    released.
    """
    coffee, key = shop.new_coffee(10), str(uuid.uuid4())
    shop.placed((shop.new_coffee(1), 1))
    state = stack_settings.from_environment().state
    # read before the lock, because a statement waits only two seconds for it
    alive = workers("coffee", state)
    with shop.client.database() as database, ThreadPoolExecutor() as pool:
        database.run("BEGIN")
        database.run("SELECT id FROM coffees WHERE id = :coffee FOR UPDATE", coffee=coffee)
        lost = pool.submit(shop.place, (coffee, 1), key=key)
        wait(lambda: waiting(shop.database) == 1)
        for worker in alive:
            os.kill(worker, signal.SIGKILL)
        assert lost.result().status == 502
        database.run("ROLLBACK")
    wait(lambda: shop.stock(coffee) == 9)
    # The idle workers take a moment to die, and the next order must not get one of them.
    wait(lambda: not set(alive) & set(workers("coffee", state)))
    again = shop.place((coffee, 1), key=key)
    assert (again.status, again.headers.get("idempotency-replayed")) == (201, "true")
    assert shop.stock(coffee) == 9


def hang_up_before_the_answer(shop: Shop, coffee: str, key: str) -> None:
    api = urlsplit(shop.client.outputs.api_url)
    headers = {
        "Authorization": f"Bearer {shop.customer.token}",
        "Content-Type": "application/json",
        "Idempotency-Key": key,
    }
    connection = http.client.HTTPConnection(str(api.hostname), api.port)
    connection.request(
        "POST", "/v1/orders", json.dumps({"lines": [{"coffee": coffee, "quantity": 1}]}), headers
    )
    connection.close()
