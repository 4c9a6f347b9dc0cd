"""Postgres between two tests: connections stay open, and only the rows go.

A new connection reads the catalogue again, and TRUNCATE gives each table and index a new file:
together 25 ms of the processor for each test. These two take less than 1 ms.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pg8000.native

from atrium.stores.pipeline import PipelinedConnection, Row, ServerError, Statement


def empty(connection: pg8000.native.Connection, *tables: str) -> None:
    """Delete all rows, as a superuser, without triggers and foreign keys.

    A transaction or settings that a test left behind end first.
    """
    deletions = "; ".join(f"DELETE FROM {table}" for table in tables)  # noqa: S608
    connection.run(
        f"ROLLBACK; RESET ALL; SET session_replication_role = replica; {deletions}; RESET ALL"
    )


class _KeptConnection(PipelinedConnection):
    """A connection that is kept for the next test when it is closed, unless it is out of step."""

    keeper: "KeptConnections"
    _in_step = True

    def execute(self, statements: Sequence[Statement]) -> list[list[Row]]:
        self._in_step = False
        try:
            rows = super().execute(statements)
        except ServerError:
            self._in_step = True
            raise
        self._in_step = True
        return rows

    def close(self) -> None:
        if self._in_step and self.is_idle() and not self.is_stale():
            self._execute([Statement("RESET ALL")])
            self.keeper.idle.append(self)
        else:
            super().close()

    def close_for_good(self) -> None:
        super().close()


@dataclass
class KeptConnections:
    """The connections of role `app` to one server."""

    where: dict[str, Any]
    idle: list[_KeptConnection] = field(default_factory=list)

    def connect(self, user: str) -> PipelinedConnection:
        if self.idle:
            return self.idle.pop()
        made = _KeptConnection("app", **self.where)
        made.keeper = self
        return made

    def close(self) -> None:
        while self.idle:
            self.idle.pop().close_for_good()
