"""`python -m bench.store [--items 1000 100000 1000000] [--write] [--stack]`: time of item calls.

Each table size has a process of its own, with an AWS endpoint, the store behind it and boto3 in
front. Plain moto is measured at the first size only, as its Query scans the table. `--stack` fills
the table of the stack that is up and asks `/v1/me`.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.store import me
from bench.store.endpoint import REGION, Endpoint
from bench.store.items import PER_USER, items
from local_aws.dynamodb import Store, schema
from local_aws.dynamodb.schema import Table
from local_aws.dynamodb.store import Data
from local_aws.dynamodb.values import Item, canonical_item

RESULTS = Path(__file__).with_name("results.md")
CALLS = 300
CHUNK = 5000


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.store")
    parser.add_argument("--items", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS}")
    parser.add_argument(
        "--stack", action="store_true", help="also GET /v1/me of the stack that is up"
    )
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments.one[0], int(arguments.one[1]))))
        return
    rows = [run("moto", arguments.items[0]), *(run("store", count) for count in arguments.items)]
    text = table(rows)
    if arguments.stack:
        text += "\n" + me.table(arguments.items)
    print(text)
    if arguments.write:
        load = f"load average {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
        RESULTS.write_text(f"Measured {time.strftime('%Y-%m-%d')}, {load}.\n\n{text}")


def run(kind: str, count: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.store", "--one", kind, str(count)]
    found: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, text=True).stdout
    )
    return found


def table(rows: list[dict[str, Any]]) -> str:
    calls = list(rows[0]["calls"])
    lines = [
        "| | items | "
        + " | ".join(f"{call}: p50 / p99 / CPU, ms" for call in calls)
        + " | bytes per item on disk | memory MB |",
        "|---" * (len(calls) + 4) + "|",
    ]
    for row in rows:
        times = " | ".join(
            " / ".join(f"{each:.2f}" for each in row["calls"][call]) for call in calls
        )
        lines.append(
            f"| {row['kind']} | {row['items']:,} | {times} | {row['bytes_per_item']} | {row['memory']} |"
        )
    return "\n".join(lines) + "\n"


def measure(kind: str, count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "items.sqlite"
        aws = Endpoint(path, is_moto=kind == "moto")
        try:
            name = aws.table("bench")
            before = memory()
            fill(aws, name, count) if kind == "store" else put_each(aws, name, count)
            calls = {
                label: timed(call)
                for label, call in wanted(aws.client, name, count // PER_USER).items()
            }
            grown = memory() - before
        finally:
            aws.close()
        size = path.stat().st_size // count if kind == "store" else "-"
        return {
            "kind": kind,
            "items": count,
            "calls": calls,
            "bytes_per_item": size,
            "memory": round(grown / 1e6),
        }


def memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def fill(aws: Endpoint, name: str, count: int) -> None:
    """Fill the table in a separate process, so that its processor time is not measured."""
    described = schema.find(REGION, name)

    def fork(path: Path) -> None:
        if (process := os.fork()) == 0:
            try:
                _put_all(Store(path), described, count)
            finally:
                os._exit(0)
        os.waitpid(process, 0)

    aws.reopen(fork)


def _put_all(store: Store, described: Table, count: int) -> None:
    pending: list[tuple[Item, int]] = []

    def put(data: Data) -> None:
        for item, size in pending:
            data.put(described, item, size)

    for item in items(count):
        pending.append(canonical_item(item))
        if len(pending) == CHUNK:
            store.blocking(put)
            pending.clear()
    store.blocking(put)
    store.close()


def put_each(aws: Endpoint, name: str, count: int) -> None:
    for item in items(count):
        aws.client.put_item(TableName=name, Item=item)


def wanted(client: Any, name: str, users: int) -> dict[str, Callable[[int], Any]]:
    def key(number: int, sk: str) -> Item:
        return {"pk": {"S": f"U#{number * 7919 % users:08d}"}, "sk": {"S": sk}}

    def query(number: int) -> Any:
        values = {":pk": key(number, "")["pk"]}
        return client.query(
            TableName=name, KeyConditionExpression="pk = :pk", ExpressionAttributeValues=values
        )

    def by_index(number: int) -> Any:
        values = {":pk": {"S": f"R#reader{number % 500}"}}
        condition = {"KeyConditionExpression": "gsi1pk = :pk", "ExpressionAttributeValues": values}
        return client.query(TableName=name, IndexName="GSI1", Limit=25, **condition)

    def transact(number: int) -> Any:
        update = {
            "TableName": name, "Key": key(number, "META"), "UpdateExpression": "ADD access_epoch :one",
            "ConditionExpression": "attribute_exists(pk)", "ExpressionAttributeValues": {":one": {"N": "1"}},
        }  # fmt: skip
        put = {
            "TableName": name,
            "Item": key(number, f"ROLE#made#{number}") | {"role": {"S": "made"}},
        }
        return client.transact_write_items(TransactItems=[{"Update": update}, {"Put": put}])

    return {
        "GetItem": lambda number: client.get_item(TableName=name, Key=key(number, "META")),
        "Query": query,
        "Query of an index": by_index,
        "TransactWriteItems of two": transact,
    }


def timed(call: Callable[[int], Any]) -> tuple[float, float, float]:
    """Return the median, 99th percentile and processor time of a call in milliseconds.

    They include boto3's own time.
    """
    for number in range(20):
        call(number)
    times, used = [], time.process_time()
    for number in range(20, 20 + CALLS):
        started = time.perf_counter()
        call(number)
        times.append((time.perf_counter() - started) * 1000)
    cpu = (time.process_time() - used) / CALLS * 1000
    return statistics.median(times), statistics.quantiles(times, n=100)[98], cpu


if __name__ == "__main__":
    main()
