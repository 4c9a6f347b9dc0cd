"""`GET /v1/coffees`."""

from tools.laptop.client import Client, Person


def test_the_menu_is_paginated(client: Client, member: Person) -> None:
    first = client.call("GET", "/v1/coffees?limit=2", member.token)
    assert first.status == 200, first.body
    second = client.call(
        "GET", first.headers["link"].removeprefix("<").partition(">")[0], member.token
    )
    seen = first.json["items"] + second.json["items"]
    assert len(seen) > 2
    assert [coffee["id"] for coffee in seen] == sorted({coffee["id"] for coffee in seen})
    assert set(seen[0]) == {"id", "name", "price_cents", "stock"}


def test_the_menu_needs_a_token(client: Client) -> None:
    assert client.call("GET", "/v1/coffees").status == 401
