"""Many requests that meet in the database."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pg8000.native

from tests.running_stack.client import Answer, Client
from tests.running_stack.waiting import settle

WORKERS = 10
"""As many as the stack runs of a function."""


def at_once(
    client: Client, calls: Sequence[Callable[[], Answer]], warm: Callable[[], Answer], lock: str, **parameters: Any
) -> list[Answer]:
    """Every call in a thread of its own, and none of them over before several have met at what `lock` locks.

    `warm` is a request to the same service: a cold worker comes so late that the first request has gone before. Fails when
    no two have met: then nothing was shown.
    """
    with client.database() as database, client.database() as watch, ThreadPoolExecutor(len(calls)) as pool:
        list(pool.map(lambda _: warm(), calls))
        database.run("BEGIN")
        database.run(lock, **parameters)
        futures = [pool.submit(call) for call in calls]
        settle(lambda: waiting(watch) > 0, 20)
        settle(lambda: waiting(watch) >= WORKERS, 1.5)  # no longer: whoever waits for 2 s is refused
        met = waiting(watch)
        database.run("ROLLBACK")
        answers = [future.result() for future in futures]
    assert met > 1, f"{met} of {len(calls)} requests came to the lock: they did not meet."
    return answers


def waiting(database: pg8000.native.Connection) -> int:
    """How many sessions wait for a lock."""
    [[count]] = database.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    return int(count)
