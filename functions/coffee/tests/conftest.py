"""Shared fixtures: a shop, and an employee who serves it."""

import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pg8000.native
import pytest

from local_aws_tests.support.waiting import settle
from tests.support import concurrent_requests
from tools.laptop.answer import Answer
from tools.laptop.client import Client, Person

PRICE = 250
ONE_COFFEE = "SELECT id FROM coffees WHERE id = :id FOR UPDATE"
ONE_ORDER = "SELECT id FROM orders WHERE id = :id FOR UPDATE"


@pytest.fixture(scope="session")
def barista(client: Client) -> Person:
    return client.new_holder("barista", ["orders.read", "orders.write"])


class Shop:
    """The shop as one customer sees it; `database` reads the store directly."""

    def __init__(
        self, client: Client, customer: Person, barista: Person, database: pg8000.native.Connection
    ) -> None:
        self.client, self.customer, self.barista, self.database = (
            client,
            customer,
            barista,
            database,
        )

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
            "POST",
            "/v1/orders",
            self.customer.token,
            body,
            Idempotency_Key=key or str(uuid.uuid4()),
        )

    def placed(self, *lines: tuple[str, int]) -> Answer:
        """Place an order that must succeed. Return it."""
        answer = self.place(*lines)
        assert answer.status == 201, answer.body
        return answer

    def at_once(self, calls: Sequence[Callable[[], Answer]], lock: str, row: str) -> list[Answer]:
        return concurrent_requests.at_once(self.client, calls, lambda: self.read(row), lock, id=row)

    def read(self, order: str, person: Person | None = None) -> Answer:
        return self.client.call("GET", f"/v1/orders/{order}", (person or self.customer).token)

    def set_status(
        self, order: str, status: str, etag: str | None = "*", person: Person | None = None
    ) -> Answer:
        condition = {} if etag is None else {"If_Match": etag}
        token = (person or self.barista).token
        return self.client.call(
            "PUT", f"/v1/orders/{order}/status", token, {"status": status}, **condition
        )


@pytest.fixture(scope="session")
def shop(client: Client, member: Person, barista: Person) -> Iterator[Shop]:
    with client.database() as database:
        yield Shop(client, member, barista, database)


def wait(condition: Callable[[], bool]) -> None:
    assert settle(condition, 120)


def code(answer: Answer) -> Any:
    return answer.json["code"]
