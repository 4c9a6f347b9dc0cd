"""Kills (-9) of the store's process during writes: acknowledged writes are complete, in the index
and in the stream.

`make proof-durability` sets `KILLS=500`.
"""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from moto.backends import get_backend
from moto.dynamodb.models import dynamodb_backends

from local_aws.dynamodb import Store, schema, stream, writes
from local_aws.dynamodb.errors import DynamoDbError
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.store import Data
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import REGION

KILLS = int(os.environ.get("KILLS", "12"))
TABLE = "killed"
PAIRS = 20
LONGEST_SECONDS = 0.06  # lifetime of a process after its first write


@pytest.fixture
def table() -> Table:
    get_backend("dynamodb").reset()
    keys = {"HASH": "pk", "RANGE": "sk"}
    index = {
        "KeySchema": [
            {"AttributeName": f"gsi1{name}", "KeyType": kind} for kind, name in keys.items()
        ]
    }
    dynamodb_backends[ACCOUNT_ID][REGION].create_table(
        TABLE,
        schema=[{"AttributeName": name, "KeyType": kind} for kind, name in keys.items()],
        attr=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk", "gsi1sk")],
        global_indexes=[{"IndexName": "GSI1", "Projection": {"ProjectionType": "ALL"}, **index}],
        indexes=[], streams={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}, tags=[],
        throughput=None, billing_mode="PAY_PER_REQUEST", sse_specification=None, deletion_protection_enabled=False,
        warm_throughput=None,
    )  # fmt: skip
    return schema.find(REGION, TABLE)


def test_a_killed_process_loses_nothing(table: Table, tmp_path: Path) -> None:
    path, seed = tmp_path / "items.sqlite", int(os.environ.get("SEED", time.time_ns()))
    print(f"SEED={seed}")
    chance = random.Random(seed)  # noqa: S311 - a seed that is told
    acknowledged: dict[str, int] = {}
    total = 0
    for _ in range(KILLS):
        told = _killed(path, chance)
        total += len(told)
        acknowledged |= dict(told)
        with _opened(path) as store:
            store.blocking(lambda data: _check(data, table, acknowledged))  # noqa: B023
    assert total > KILLS, "the processes were killed before they wrote anything"
    print(f"{KILLS} kills, {total} acknowledged writes, none lost")


@contextmanager
def _opened(path: Path) -> Iterator[Store]:
    store = Store(path)
    try:
        yield store
    finally:
        store.close()


def _killed(path: Path, chance: random.Random) -> list[tuple[str, int]]:
    """Let a process write until it is killed.

    Return the writes that it acknowledged: pair and number.
    """
    reading, writing = os.pipe()
    seed = chance.getrandbits(32)
    process = os.fork()
    if process == 0:
        os.close(reading)
        try:
            _write_for_ever(path, writing, random.Random(seed))  # noqa: S311
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        first = pipe.readline()
        time.sleep(chance.random() * LONGEST_SECONDS)
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        lines = (first + pipe.read()).splitlines()
    return [
        (pair, int(number))
        for pair, number in (line.decode().split() for line in lines if line.count(b" ") == 1)
    ]


def _write_for_ever(path: Path, told: int, chance: random.Random) -> None:
    """Set both items of a pair to the same number in a transaction, repeatedly.

    Also put them into the index, remove them from it, and send writes that are refused.
    """
    store, table = Store(path), schema.find(REGION, TABLE)
    assert table.stream
    name = table.stream.name
    number = store.blocking(lambda data: stream.newest(data, name))
    absent = {"TableName": TABLE, "Key": {"pk": {"S": "absent"}, "sk": {"S": "a"}}}
    check = {"ConditionCheck": absent | {"ConditionExpression": "attribute_exists(pk)"}}
    while True:
        number += 1
        pair = str(chance.randrange(PAIRS))
        puts = [_put(pair, sk, number, chance) for sk in "ab"]
        if chance.random() < 0.1:
            with suppress(DynamoDbError):
                _transact(store, [*puts, check])
                return
        else:
            _transact(store, puts)
            os.write(told, f"{pair} {number}\n".encode())


def _transact(store: Store, items: list[dict[str, Any]]) -> None:
    store.blocking(lambda data: writes.transact_write_items(data, REGION, {"TransactItems": items}))


def _put(pair: str, sk: str, number: int, chance: random.Random) -> dict[str, Any]:
    item = {
        "pk": {"S": pair},
        "sk": {"S": sk},
        "n": {"N": str(number)},
        "filling": {"S": "x" * chance.randrange(3000)},
    }
    if chance.random() < 0.5:
        item |= {"gsi1pk": {"S": "all"}, "gsi1sk": {"S": f"{number}{sk}"}}
    return {"Put": {"TableName": TABLE, "Item": item}}


def _check(data: Data, table: Table, acknowledged: dict[str, int]) -> None:
    items = {(item["pk"]["S"], item["sk"]["S"]): item for item, _ in data.walk(table, None, None)}
    for pair, number in acknowledged.items():
        first, second = items[pair, "a"]["n"], items[pair, "b"]["n"]
        assert first == second, f"half a transaction: {pair}"
        assert int(first["N"]) >= number, f"lost: {pair} {number}, there is {first}"
        acknowledged[pair] = int(first["N"])  # a write whose answer was lost counts from now on
    indexed = [item for item, _ in data.walk(table, table.indexes["GSI1"], None)]
    assert sorted(map(_place, indexed)) == sorted(
        _place(item) for item in items.values() if "gsi1pk" in item
    )
    replayed: dict[tuple[str, str], Any] = {}
    assert table.stream
    for _, _, record in stream.records(data, table.stream.name, 0, 1_000_000):
        image = record["dynamodb"]["NewImage"]
        replayed[image["pk"]["S"], image["sk"]["S"]] = image
    assert replayed == items, "the stream does not tell what the table has"
    assert data.sql.execute("PRAGMA quick_check").fetchall() == [("ok",)]


def _place(item: Any) -> tuple[str, str, str]:
    return item["pk"]["S"], item["sk"]["S"], item["gsi1sk"]["S"]
