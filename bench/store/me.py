"""The time of `GET /v1/me` on the running stack, by the size of its table."""

import statistics
import time
from typing import Any

from bench.store.items import items
from tools.deploy.stack_settings import from_environment
from tools.laptop.client import client_of

CALLS = 200
BATCH = 25  # items of one BatchWriteItem


def table(sizes: list[int]) -> str:
    """Fill the table to each size and return the times. The items stay until `make reset`."""
    client = client_of(from_environment())
    person = client.new_member()
    lines = ["| items in the stack's table | GET /v1/me p50 ms | p99 ms |", "|---|---|---|"]
    source, there = items(max(sizes)), 0
    for size in sizes:
        fill(client, source, size - there)
        there = size
        times = []
        for number in range(CALLS + 20):
            started = time.perf_counter()
            assert client.call("GET", "/v1/me", person.token).status == 200
            if number >= 20:
                times.append((time.perf_counter() - started) * 1000)
        lines.append(
            f"| {size:,} | {statistics.median(times):.1f} | {statistics.quantiles(times, n=100)[98]:.1f} |"
        )
    return "\n".join(lines) + "\n"


def fill(client: Any, source: Any, count: int) -> None:
    aws, name = client.aws("dynamodb"), client.outputs.user_attributes_table
    for start in range(0, count, BATCH):
        puts = [{"PutRequest": {"Item": next(source)}} for _ in range(min(BATCH, count - start))]
        aws.batch_write_item(RequestItems={name: puts})
