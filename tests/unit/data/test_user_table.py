"""`atrium.stores.user_table` with moto's DynamoDB and the table of docs/architecture.md."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws

from atrium.runtime import config
from atrium.stores import dynamodb, user_table
from atrium.stores.user_table import Meta, TableUnavailableError

TABLE = "atrium-test-UserAttributes"
UID = "01920000-0000-7000-8000-000000000001"


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name, value in {
        "AWS_REGION": "eu-central-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "USER_ATTRIBUTES_TABLE": TABLE,
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    _forget()
    with mock_aws():
        yield dynamodb.client()
    _forget()


@pytest.fixture
def table(client: Any) -> Any:
    client.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")
        ],
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
    )
    return client


def _forget() -> None:
    dynamodb.client.cache_clear()
    config.required.cache_clear()


def _put(client: Any, sk: str, **attributes: dict[str, Any]) -> None:
    client.put_item(TableName=TABLE, Item={"pk": {"S": f"U#{UID}"}, "sk": {"S": sk}, **attributes})


def test_an_unknown_user_has_no_meta(table: Any) -> None:
    assert user_table.meta(UID) is None


def test_create_meta_makes_an_active_user(table: Any) -> None:
    user_table.create_meta(UID)
    assert user_table.meta(UID) == Meta("active", 1, 1)
    item = table.get_item(TableName=TABLE, Key={"pk": {"S": f"U#{UID}"}, "sk": {"S": "META"}})[
        "Item"
    ]
    assert item["created_at"]["S"].endswith("Z")


def test_create_meta_leaves_what_exists(table: Any) -> None:
    _put(table, "META", status={"S": "disabled"}, access_epoch={"N": "7"}, version={"N": "9"})
    user_table.create_meta(UID)
    assert user_table.meta(UID) == Meta("disabled", 7, 9)


def test_a_read_is_one_strongly_consistent_call(table: Any) -> None:
    requests: list[dict[str, Any]] = []
    table.meta.events.register(
        "provide-client-params.dynamodb", lambda params, **_: requests.append(params)
    )
    before = dynamodb.calls
    user_table.meta(UID)
    user_table.attributes(UID)
    assert [request["ConsistentRead"] for request in requests] == [True, True]
    assert dynamodb.calls == before + 2


def test_attributes_are_those_of_this_user_and_nothing_else(table: Any) -> None:
    user_table.create_meta(UID)
    _put(table, "ATTR#ui#theme", value={"S": "dark"}, version={"N": "1"})
    _put(
        table,
        "ATTR#ui#sizes",
        value={"L": [{"N": "1"}, {"N": "1.5"}, {"NULL": True}]},
        version={"N": "1"},
    )
    _put(table, "ATTR#billing#a#b", value={"M": {"paid": {"BOOL": False}}}, version={"N": "1"})
    table.put_item(
        TableName=TABLE,
        Item={"pk": {"S": f"U#{UID}0"}, "sk": {"S": "ATTR#ui#x"}, "value": {"S": "x"}},
    )
    assert user_table.attributes(UID) == {
        "ui": {"theme": "dark", "sizes": [1, 1.5, None]},
        "billing": {"a#b": {"paid": False}},
    }


def test_an_unknown_user_has_no_attributes(table: Any) -> None:
    assert user_table.attributes(UID) == {}


def test_attributes_over_a_megabyte_are_read_completely(table: Any) -> None:
    for n in range(5):
        _put(table, f"ATTR#big#{n}", value={"S": "x" * 300_000}, version={"N": "1"})
    before = dynamodb.calls
    assert sorted(user_table.attributes(UID)["big"]) == ["0", "1", "2", "3", "4"]
    assert dynamodb.calls > before + 1


@pytest.mark.parametrize("ask", [user_table.meta, user_table.create_meta, user_table.attributes])
def test_an_error_of_dynamodb_is_unavailable_and_names_the_operation(client: Any, ask: Any) -> None:
    with pytest.raises(
        TableUnavailableError,
        match=rf"(get_item|put_item|query) on {TABLE} failed: ResourceNotFoundException",
    ):
        ask(UID)


def test_an_unreachable_table_is_unavailable_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("USER_ATTRIBUTES_TABLE", TABLE)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # nothing listens there
    _forget()
    start = time.monotonic()
    with pytest.raises(TableUnavailableError, match="Could not connect"):
        user_table.meta(UID)
    assert time.monotonic() - start < 8
    _forget()
