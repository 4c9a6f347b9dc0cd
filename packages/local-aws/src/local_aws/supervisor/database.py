"""Postgres, PgBouncer and the RDS Proxy stand-in, which are restarted when they end."""

import asyncio
import json
import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from local_aws.database import pgbouncer, pinning, postgres, tls
from local_aws.database.authentication import iam_authentication
from local_aws.database.contents import Change, Contents
from local_aws.database.pgbouncer import Pgbouncer, PgbouncerError
from local_aws.database.postgres import Postgres, PostgresError
from local_aws.database.proxy import Proxy, Watcher
from local_aws.database.sql_spans import SqlSpans
from local_aws.faults import Dependency, Fault, Faults, Kind
from local_aws.settings import Settings
from local_aws.spans import OpenSpans
from local_aws.supervisor.ports import is_free, remembered, remembered_file

log = logging.getLogger("local_aws.database")

LOOK_SECONDS = 0.2
RETRY_SECONDS = 5.0


@dataclass
class Database:
    settings: Settings
    server: Postgres
    pool: Pgbouncer | None  # None if it is not installed
    proxy: Proxy
    certificates: tls.Certificates
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _killing: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def pooling(self) -> str:
        return "pgbouncer" if self.pool else "none"

    @property
    def contents(self) -> Contents:
        return Contents(self.server.data, self.rebuild)

    async def rebuild(self, change: Change) -> None:
        """Let `change` work on the data while the server is stopped; clients lose connections."""
        async with self._turn:
            if self.pool:
                await self.pool.stop()
            await self.server.pause()
            try:
                await asyncio.to_thread(change, self.server.data)
            finally:
                await self._start_again()

    def meet(self, fault: Fault) -> None:
        """Kill the server, and keep it down, if that is the fault."""
        if (fault.dependency, fault.kind) == (Dependency.POSTGRES, Kind.KILL):
            killing = asyncio.create_task(self._keep_killed(fault))
            self._killing.add(killing)
            killing.add_done_callback(self._killing.discard)

    async def _keep_killed(self, fault: Fault) -> None:
        """Leave the restart to `keep_running`, which waits for its turn."""
        async with self._turn:
            self.server.kill()
            await fault.ended.wait()

    async def stop(self) -> None:
        await self.proxy.stop()
        if self.pool:
            await self.pool.stop()
        await self.server.stop()

    async def keep_running(self) -> None:
        """Restart ended processes until cancelled.

        Clients lose connections, as at a failover of RDS.
        """
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                async with self._turn:
                    await self._look()
            except (PostgresError, PgbouncerError, OSError) as error:
                log.error("%s. Retrying in %.0f s", error, RETRY_SECONDS)
                await asyncio.sleep(RETRY_SECONDS)

    async def _look(self) -> None:
        if not self.server.running:
            await self._restart_server()
        elif self.pool and not self.pool.running:
            log.error("PgBouncer ended unexpectedly. Restarting it")
            await self._restart_pool(self.pool)

    async def _restart_server(self) -> None:
        log.error(
            "Postgres ended unexpectedly. Restarting it; open transactions are rolled back, committed ones kept"
        )
        if self.pool:
            await self.pool.stop()
        await self._start_again()
        log.info("Postgres is running again")

    async def _start_again(self) -> None:
        self.server = await postgres.restart(self.server, log=self.settings.logs / "postgres.log")
        if self.pool:
            await self._restart_pool(self.pool)

    async def _restart_pool(self, old: Pgbouncer) -> None:
        await old.stop()
        self.pool = await pgbouncer.start(self.server, log=self.settings.logs / "pgbouncer.log")
        self.proxy.upstream = self.pool.socket if self.pool else self.server.socket


async def start(
    settings: Settings, stack: AsyncExitStack, faults: Faults, spans: OpenSpans
) -> Database:
    """Start the database on its previous ports if they are free; `stack` stops it.

    Raises:
        PostgresNotFoundError, PostgresError, PgbouncerError: A part is missing or did not start.
    """
    ports, wanted = remembered_file(settings), remembered(settings)
    server = await postgres.start(
        settings.state / "postgres",
        port=_if_free(wanted.get("postgres")),
        log=settings.logs / "postgres.log",
        database=settings.database,
    )
    stack.push_async_callback(server.stop)
    pool = await pgbouncer.start(server, log=settings.logs / "pgbouncer.log")
    certificates = tls.certificates(settings.state / "tls")
    record = pinning.Record(pinning.path(settings))

    def watch(user: str, access_key: str, began: float) -> Watcher:
        statements = SqlSpans(spans, user, access_key)
        statements.connected(began)
        return Watcher(record.watch(user, statements.sent).sent, statements.answered)

    proxy = Proxy(
        pool.socket if pool else server.socket,
        iam_authentication(lambda: proxy.port),
        certificates.server_context(),
        watch=watch,
        faults=faults,
    )
    database = Database(settings, server, pool, proxy, certificates)
    stack.push_async_callback(database.stop)
    await proxy.start(_if_free(wanted.get("proxy")) or 0)
    # The proxy's port is in every function's environment, so keeping it avoids drift.
    used = {"postgres": server.port, "proxy": proxy.port}
    ports.write_text(json.dumps(used | {"api": settings.api_port, "aws": settings.aws_port}))
    faults.on_start(database.meet)
    keeper = asyncio.create_task(database.keep_running())
    stack.callback(keeper.cancel)
    return database


def _if_free(port: int | None) -> int | None:
    return port if port and is_free(port) else None
