"""The lock of a run: a table lock in a transaction of its own connection.

The lock ends with the runner, however it ends. yoyo's own lock is a row, which a killed runner
leaves behind. An advisory lock of the session would pin the proxy's connection; a transaction's
lock does not.
"""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress

from yoyo.connections import DatabaseURI

from atrium.stores.pipeline import InterfaceError, ServerError, Statement
from migrate.connection import Connection, connect
from migrate.errors import MigrationsBusyError

BEAT = 15.0
"""Seconds between keep-alives. Postgres ends migrator's transactions that are idle for a minute."""
LOCK_NOT_AVAILABLE = "55P03"
HOLDER = """
SELECT holder.pid, holder.xact_start FROM pg_locks JOIN pg_stat_activity holder USING (pid)
WHERE relation = 'yoyo_lock'::regclass AND mode = 'ExclusiveLock' AND granted
"""


@contextmanager
def held(uri: DatabaseURI) -> Iterator[None]:
    """Hold the lock. Raise `MigrationsBusyError` after migrator's `lock_timeout`.

    The table `yoyo_lock` must exist.
    """
    with closing(connect(uri)) as connection:
        connection.execute([Statement("BEGIN")])
        try:
            connection.execute([Statement("LOCK TABLE yoyo_lock IN EXCLUSIVE MODE")])
        except ServerError as error:
            connection.execute([Statement("ROLLBACK")])
            if error.args[0]["C"] != LOCK_NOT_AVAILABLE:
                raise
            raise _busy(connection) from error
        with _kept_alive(connection):
            yield


@contextmanager
def _kept_alive(connection: Connection) -> Iterator[None]:
    """Keep the transaction from idling, which would release the lock after a minute."""
    over = threading.Event()

    def beat() -> None:
        with suppress(
            ServerError, InterfaceError, OSError
        ):  # the run continues: each history entry's primary key still protects it
            while not over.wait(BEAT):
                connection.execute([Statement("SELECT 1")])

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _busy(connection: Connection) -> MigrationsBusyError:
    found = connection.execute([Statement(HOLDER)])[0]
    who = (
        ", ".join(f"since {since:%H:%M:%S} UTC (backend {pid})" for pid, since in found)
        or "until a moment ago"
    )
    return MigrationsBusyError(
        f"Another run has held the lock {who}. It is released when that run ends; if its runner was killed, "
        "within a minute. Wait and run this command again."
    )
