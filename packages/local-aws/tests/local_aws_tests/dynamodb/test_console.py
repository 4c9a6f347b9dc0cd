"""The console's panel of DynamoDB's tables."""

import asyncio
import json
from typing import Any

from local_aws.console.items import PAGE, Items
from local_aws_tests.console.served import served
from local_aws_tests.dynamodb.conftest import Endpoint
from local_aws_tests.lambda_service.laptop import REGION


def read(aws: Endpoint, path: str, **query: str) -> tuple[int, Any]:
    async def run() -> tuple[int, Any]:
        async with (
            served(Items(aws.store)) as (session, url),
            session.get(url + path, params=query) as answer,
        ):
            return answer.status, await answer.json()

    return asyncio.run(run())


def test_tables_are_listed_with_their_keys_and_sizes(aws: Endpoint) -> None:
    name = aws.table("Listed")
    aws.client.put_item(TableName=name, Item={"pk": {"S": "a"}, "sk": {"S": "b"}})
    _, answer = read(aws, "/tables")
    [table] = [each for each in answer["tables"] if each["name"] == name]
    assert (table["items"], table["hash"], table["sort"]) == (1, "pk", "sk")
    assert table["indexes"] == [{"name": "GSI1", "hash": "gsi1pk", "sort": "gsi1sk"}]


def test_items_are_read_by_partition_and_index_and_in_pages(aws: Endpoint) -> None:
    name = aws.table("Paged")
    for number in range(PAGE + 2):
        item = {"pk": {"S": "a"}, "sk": {"S": f"{number:03}"}, "n": {"N": str(number)}}
        aws.client.put_item(TableName=name, Item=item)
    indexed = {key: {"S": "x"} for key in ("pk", "sk", "gsi1pk", "gsi1sk")}
    aws.client.put_item(TableName=name, Item=indexed)
    path = f"/tables/{REGION}/{name}"
    _, first = read(aws, path, hash="a")
    assert len(first["items"]) == PAGE
    assert first["items"][0] == {"pk": "a", "sk": "000", "n": 0}
    _, rest = read(aws, path, hash="a", after=json.dumps(first["after"]))
    assert [item["n"] for item in rest["items"]] == [PAGE, PAGE + 1]
    assert rest["after"] is None
    _, one = read(aws, path, hash="a", sort="007")
    assert [item["sk"] for item in one["items"]] == ["007"]
    _, by_index = read(aws, path, index="GSI1")
    assert [item["pk"] for item in by_index["items"]] == ["x"]


def test_secrets_are_not_shown_and_other_values_are_plain(aws: Endpoint) -> None:
    name = aws.table("Secrets")
    item = {
        "pk": {"S": "a"}, "sk": {"S": "b"}, "secret": {"B": b"key"}, "password": {"S": "x"},
        "deep": {"M": {"list": {"L": [{"N": "1.5"}, {"NULL": True}, {"BOOL": False}]}}},
    }  # fmt: skip
    aws.client.put_item(TableName=name, Item=item)
    _, answer = read(aws, f"/tables/{REGION}/{name}")
    [shown] = answer["items"]
    assert shown == {
        "pk": "a", "sk": "b", "secret": "[removed]", "password": "[removed]",
        "deep": {"list": [1.5, None, False]},
    }  # fmt: skip


def test_an_invalid_request_is_refused(aws: Endpoint) -> None:
    name = aws.table("Wrong")
    assert read(aws, f"/tables/{REGION}/None")[0] == 400
    for after in ("[", '"x"', '{"pk":{"S":"a"}}'):
        assert read(aws, f"/tables/{REGION}/{name}", after=after)[0] == 400
