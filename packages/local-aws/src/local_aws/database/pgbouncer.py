"""Transaction pooling between the RDS Proxy stand-in and Postgres by PgBouncer, if installed."""

import asyncio
import contextlib
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from local_aws.database.child import Child, give_away, private_folder, spawn
from local_aws.database.postgres import SUPERUSER, Postgres

# used only in the name of the socket file; PgBouncer 1.18 rejects numbers from 32768 on
_PORT = 6432
_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin", "/opt/homebrew/sbin")
_START_TIMEOUT = 10.0

# `trust` still requires a known user, so PgBouncer asks Postgres which roles can log in. Only the
# proxy stand-in can reach this socket, and it has already checked the IAM token. The borrow timeout
# is RDS Proxy's default.
_CONFIG = """\
[databases]
* = host={postgres.socket_dir} port={postgres.port}
[pgbouncer]
listen_addr =
unix_socket_dir = {folder}
unix_socket_mode = 0700
listen_port = {port}
auth_type = trust
auth_file = {folder}/users
auth_user = {superuser}
auth_query = SELECT rolname, '' FROM pg_catalog.pg_roles WHERE rolname = $1 AND rolcanlogin
pool_mode = transaction
default_pool_size = {size}
max_db_connections = {most}
max_client_conn = {clients}
query_wait_timeout = 120
server_login_retry = 1
ignore_startup_parameters = extra_float_digits
log_connections = 0
log_disconnections = 0
"""


class PgbouncerError(RuntimeError):
    pass


@dataclass(frozen=True)
class Pgbouncer:
    folder: Path
    _child: Child

    @property
    def socket(self) -> str:
        return str(self.folder / f".s.PGSQL.{_PORT}")

    @property
    def running(self) -> bool:
        return self._child.process.poll() is None

    async def stop(self) -> None:
        """Stop at once, which closes connections and rolls back open transactions.

        A second call does nothing.
        """
        await asyncio.to_thread(self._child.stop)
        shutil.rmtree(self.folder, ignore_errors=True)


async def start(
    postgres: Postgres, *, size: int = 20, clients: int = 1000, log: Path | None = None
) -> Pgbouncer | None:
    """Pool `size` server connections per user; return None if PgBouncer is not installed.

    Raises:
        PgbouncerError: it is installed and does not start.
    """
    program = _program()
    if program is None:
        return None
    folder = _folder(postgres)
    config = _configure(folder, postgres, size, clients)
    log = log or postgres.data.with_name("pgbouncer.log")
    child = spawn([program, config], log, "TERM", {"TZ": "UTC"})
    pool = Pgbouncer(folder, child)
    try:
        await _wait_until_ready(pool, log)
    except BaseException:
        await pool.stop()
        raise
    return pool


def _program() -> str | None:
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path=os.pathsep.join(_PLACES))


def _folder(postgres: Postgres) -> Path:
    """Return a new folder for each start.

    A PgBouncer that is ending removes its socket file, which must not be the new one's.
    """
    for left_over in postgres.socket_dir.glob("pool-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    return private_folder(postgres.socket_dir / f"pool-{time.time_ns() % 10**9}")


def _configure(folder: Path, postgres: Postgres, size: int, clients: int) -> Path:
    users, config = folder / "users", folder / "pgbouncer.ini"
    users.write_text(f'"{SUPERUSER}" ""\n')
    config.write_text(
        _CONFIG.format(
            postgres=postgres,
            folder=folder,
            port=_PORT,
            superuser=SUPERUSER,
            size=size,
            most=80,  # Postgres allows 100; the rest is for direct connections
            clients=clients,
        )
    )
    for file in (users, config):
        give_away(file)
    return config


async def _wait_until_ready(pool: Pgbouncer, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(pool.socket)
            writer.close()
            return
        if not pool.running or time.monotonic() > deadline:
            last = "\n".join((await asyncio.to_thread(log.read_text)).splitlines()[-5:])
            raise PgbouncerError(f"PgBouncer did not start. The end of {log}:\n{last}")
        await asyncio.sleep(0.01)
