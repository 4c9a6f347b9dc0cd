"""What the tests share: a shop, and somebody behind its counter."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pg8000.native
import pytest

from tests.running_stack.client import Answer, Client, Person
from tests.running_stack.waiting import settle

PRICE = 250
WORKERS = 10  # warm before many meet, or the first has gone before the second comes
ONE_COFFEE = "SELECT id FROM coffees WHERE id = :id FOR UPDATE"
ONE_ORDER = "SELECT id FROM orders WHERE id = :id FOR UPDATE"


@pytest.fixture(scope="session")
def barista(client: Client) -> Person:
    return client.new_holder("barista", ["orders.read", "orders.write"])


class Shop:
    """The shop as one customer meets it; `database` is a look behind its doors."""

    def __init__(self, client: Client, customer: Person, barista: Person, database: pg8000.native.Connection) -> None:
        self.client, self.customer, self.barista, self.database = client, customer, barista, database

    def new_coffee(self, stock: int, price_cents: int = PRICE) -> str:
        [[coffee]] = self.database.run(
            "INSERT INTO coffees (id, name, price_cents, stock) "
            "VALUES (gen_random_uuid(), gen_random_uuid()::text, :price, :stock) RETURNING id",
            price=price_cents,
            stock=stock,
        )
        return str(coffee)

    def stock(self, coffee: str) -> int:
        [[stock]] = self.database.run("SELECT stock FROM coffees WHERE id = :coffee", coffee=coffee)
        return int(stock)

    def place(self, *lines: tuple[str, int], key: str | None = None) -> Answer:
        body = {"lines": [{"coffee": coffee, "quantity": quantity} for coffee, quantity in lines]}
        return self.client.call(
            "POST", "/v1/orders", self.customer.token, body, Idempotency_Key=key or str(uuid.uuid4())
        )

    def placed(self, *lines: tuple[str, int]) -> Answer:
        """Of an order that must succeed."""
        answer = self.place(*lines)
        assert answer.status == 201, answer.body
        return answer

    def at_once(self, calls: Sequence[Callable[[], Answer]], lock: str, row: str) -> list[Answer]:
        """Every call in a thread of its own, and none of them over before several have met at the locked row."""
        with self.client.database() as database, ThreadPoolExecutor(len(calls)) as pool:
            list(pool.map(lambda _: self.client.call("GET", "/v1/coffees", self.customer.token), range(WORKERS)))
            database.run("BEGIN")
            database.run(lock, id=row)
            futures = [pool.submit(call) for call in calls]
            settle(lambda: self.waiting() > 1, 1)  # no longer: whoever waits for 2 s is refused
            database.run("ROLLBACK")
            return [future.result() for future in futures]

    def waiting(self) -> int:
        """How many sessions wait for a lock."""
        [[count]] = self.database.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return int(count)

    def read(self, order: str, person: Person | None = None) -> Answer:
        return self.client.call("GET", f"/v1/orders/{order}", (person or self.customer).token)

    def set_status(self, order: str, status: str, etag: str | None = "*", person: Person | None = None) -> Answer:
        condition = {} if etag is None else {"If_Match": etag}
        token = (person or self.barista).token
        return self.client.call("PUT", f"/v1/orders/{order}/status", token, {"status": status}, **condition)


@pytest.fixture(scope="session")
def shop(client: Client, member: Person, barista: Person) -> Iterator[Shop]:
    with client.database() as database:
        yield Shop(client, member, barista, database)


def wait(condition: Callable[[], bool]) -> None:
    assert settle(condition, 10)


def code(answer: Answer) -> Any:
    return answer.json["code"]
