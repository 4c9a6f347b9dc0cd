"""The panel that reads tables of DynamoDB."""

from collections.abc import Mapping
from typing import Any

import msgspec
from aiohttp import web
from moto.dynamodb.models import dynamodb_backends

from local_aws.console import answers
from local_aws.console.answers import own_page
from local_aws.console.redaction import redacted_field
from local_aws.dynamodb import reads, schema
from local_aws.dynamodb.errors import DynamoDbError
from local_aws.dynamodb.schema import Keys, Table
from local_aws.dynamodb.store import Store
from local_aws.settings import ACCOUNT_ID

PAGE = 50  # items

_Key = dict[str, dict[str, str]]


class Items:
    """The panel of tables and their items, which `store` holds."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self, path: str) -> list[web.RouteDef]:
        return [
            web.get(f"{path}/tables", own_page(self._tables)),
            web.get(f"{path}/tables/{{region}}/{{table}}", own_page(self._items)),
        ]

    async def _tables(self, _: web.Request) -> web.Response:
        found = [
            (region, schema.find(region, name))
            for region, backend in list(dynamodb_backends[ACCOUNT_ID].items())
            for name in list(backend.tables)
        ]
        return answers.json({"tables": [await self._described(*each) for each in found]})

    async def _described(self, region: str, table: Table) -> dict[str, Any]:
        count, size = await self._store.read(lambda data: data.count(table))
        indexes = [{"name": each.name, **_keys(each.keys)} for each in table.indexes.values()]
        return {
            "region": region, "name": table.name, "items": count, "bytes": size,
            **_keys(table.keys), "indexes": indexes,
        }  # fmt: skip

    async def _items(self, request: web.Request) -> web.Response:
        """Answer a page of items of a table or `index`: of the partition `hash`, or of all.

        `sort` is the beginning of the sort key, and `after` the key that the last page ended with.
        """
        region, name = request.match_info["region"], request.match_info["table"]
        try:
            asked = _request(schema.find(region, name), name, request.query)
            operation = reads.query if "KeyConditionExpression" in asked else reads.scan
            found = await self._store.read(lambda data: operation(data, region, asked))
        except DynamoDbError as error:
            return answers.refused(str(error), 400)
        except msgspec.DecodeError:
            return answers.refused("`after` is no key.", 400)
        return answers.json(
            {
                "items": [_shown(item) for item in found["Items"]],
                "after": found.get("LastEvaluatedKey"),
            }
        )


def _request(table: Table, name: str, query: Mapping[str, str]) -> dict[str, Any]:
    partition, sort = query.get("hash"), query.get("sort")
    index = table.indexes.get(query.get("index", ""))
    keys = index.keys if index else table.keys
    asked: dict[str, Any] = {"TableName": name, "Limit": PAGE}
    if index:
        asked["IndexName"] = index.name
    if query.get("after"):
        asked["ExclusiveStartKey"] = msgspec.json.decode(query["after"], type=_Key)
    if partition:
        names, values = {"#h": keys.hash}, {":h": {keys.hash_type: partition}}
        condition = "#h = :h"
        if sort and keys.sort_type == "S":
            names["#s"], values[":s"] = keys.sort, {"S": sort}
            condition += " AND begins_with(#s, :s)"
        asked |= {
            "KeyConditionExpression": condition,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": values,
        }
    return asked


def _keys(keys: Keys) -> dict[str, str]:
    return {"hash": keys.hash, "sort": keys.sort}


def _shown(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {name: _field(name, value) for name, value in item.items()}


def _field(name: str, value: Mapping[str, Any]) -> Any:
    plain = _plain(value)
    if isinstance(plain, str):
        return redacted_field(name, plain)
    text = msgspec.json.encode(plain).decode()
    shown = redacted_field(name, text)
    return plain if shown == text else shown


def _plain(typed: Mapping[str, Any]) -> Any:
    [(kind, value)] = typed.items()
    match kind:
        case "M":
            return {name: _plain(each) for name, each in value.items()}
        case "L":
            return [_plain(each) for each in value]
        case "NULL":
            return None
        case "N":
            return float(value) if "." in value or "e" in value.lower() else int(value)
    return value
