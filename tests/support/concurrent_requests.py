"""Concurrent requests that wait for the same lock in the database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pg8000.native

from local_aws_tests.support.waiting import settle
from tools.laptop.answer import Answer
from tools.laptop.client import Client

WORKERS = 10
"""Concurrent requests: as many as the stack has workers for a function.

tests/unit/test_parallel_writers.py runs fifty.
"""
SHORT = 0.8
"""Seconds that a request may wait for a lock without being refused; the limit is 2 s."""


def at_once(
    client: Client,
    calls: Sequence[Callable[[], Answer]],
    warm: Callable[[], Answer],
    lock: str,
    **parameters: Any,
) -> list[Answer]:
    """Run each call in a thread; hold `lock` until several of them wait for it.

    `warm` is a request to the same service that starts its workers, because a cold one would come
    too late to meet the others. Fail unless at least two have met.
    """
    with (
        client.database() as database,
        client.database() as watch,
        ThreadPoolExecutor(len(calls)) as pool,
    ):
        list(pool.map(lambda _: warm(), calls))
        database.run("BEGIN")
        database.run(lock, **parameters)
        futures = [pool.submit(call) for call in calls]
        settle(
            lambda: (
                waiting(watch) == WORKERS or (waiting(watch) > 1 and longest_wait(watch) > SHORT)
            ),
            30,
        )
        met = waiting(watch)
        database.run("ROLLBACK")
        answers = [future.result() for future in futures]
    assert met > 1, f"{met} of {len(calls)} requests came to the lock: they did not meet."
    return answers


def waiting(database: pg8000.native.Connection) -> int:
    """Return how many sessions wait for a lock."""
    [[count]] = database.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return int(count)


def longest_wait(database: pg8000.native.Connection) -> float:
    """Return for how many seconds the first of them has waited."""
    [[seconds]] = database.run(
        "SELECT coalesce(max(extract(epoch FROM clock_timestamp() - waitstart)), 0)::float FROM pg_locks WHERE NOT granted"
    )
    return float(seconds)
