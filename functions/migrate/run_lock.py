"""One run at a time: a table lock in a transaction of its own connection, so it ends when the runner does, however that ends.

yoyo's own lock is a row, which a killed runner leaves behind. A session's advisory lock would tie the proxy's connection
to us; a transaction's lock does not.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from yoyo.connections import DatabaseURI

from atrium.stores.pipeline import InterfaceError, ServerError, Statement
from migrate.connection import Connection, connect
from migrate.errors import MigrationsBusyError

BEAT = 15.0
"""Seconds between signs of life; Postgres ends a transaction of migrator's that is idle for a minute."""
LOCK_NOT_AVAILABLE = "55P03"
HOLDER = """
SELECT holder.pid, holder.xact_start FROM pg_locks JOIN pg_stat_activity holder USING (pid)
WHERE relation = 'yoyo_lock'::regclass AND mode = 'ExclusiveLock' AND granted
"""


@contextmanager
def held(uri: DatabaseURI) -> Iterator[None]:
    """Waits for migrator's `lock_timeout`, then raises `MigrationsBusyError`. The table `yoyo_lock` must be there."""
    with closing(connect(uri)) as connection:
        connection.fly([Statement("BEGIN")])
        try:
            connection.fly([Statement("LOCK TABLE yoyo_lock IN EXCLUSIVE MODE")])
        except ServerError as error:
            connection.fly([Statement("ROLLBACK")])
            if error.args[0]["C"] != LOCK_NOT_AVAILABLE:
                raise
            raise _busy(connection) from error
        with _kept_alive(connection):
            yield


@contextmanager
def _kept_alive(connection: Connection) -> Iterator[None]:
    """Without it the lock would be gone a minute into the first long statement."""
    over = threading.Event()

    def beat() -> None:
        with suppress(
            ServerError, InterfaceError, OSError
        ):  # the run goes on: each mark's primary key still guards it
            while not over.wait(BEAT):
                connection.fly([Statement("SELECT 1")])

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _busy(connection: Connection) -> MigrationsBusyError:
    found = connection.fly([Statement(HOLDER)])[0]
    who = (
        ", ".join(f"since {since:%H:%M:%S} UTC (backend {pid})" for pid, since in found)
        or "until a moment ago"
    )
    return MigrationsBusyError(
        f"Another run has held the lock {who}. It is free when that run ends; if its runner was killed, "
        "at once, or a minute later where nobody told Postgres. Wait for it and run this again."
    )
