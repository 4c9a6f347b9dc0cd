"""A real Postgres with RDS's roles behind PgBouncer and a stand-in for RDS Proxy, on free loopback
ports.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pg8000.native
import pytest

from atrium.runtime import config
from atrium.stores import postgres
from local_aws.database import pgbouncer, tls
from local_aws.database import postgres as server
from local_aws.database.postgres import Postgres
from local_aws.database.tls import Certificates
from local_aws.settings import LOOPBACK
from migrate import roles
from tests.pooling.proxy_stand_in import ProxyStandIn

SERVER_CONNECTIONS = 3
KEYS = {
    "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_SESSION_TOKEN": "a/session+token==",
}


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Return a folder that `nobody` may enter, as whom the servers run under root."""
    with tempfile.TemporaryDirectory(prefix="atrium-pooling-") as name:
        path = Path(name)
        path.chmod(0o755)
        yield path


@pytest.fixture(scope="session")
def database_server(folder: Path) -> Iterator[Postgres]:
    with server.running(folder / "postgres", database="atrium") as running:
        yield running
        for connection in _superusers.values():
            connection.close()
        _superusers.clear()
    shutil.rmtree(server.place(folder / "postgres"), ignore_errors=True)


@pytest.fixture(scope="session")
def pooler(database_server: Postgres) -> Iterator[str]:
    """Return the unix socket of a PgBouncer in transaction mode, with only a few server
    connections.
    """
    pool = asyncio.run(pgbouncer.start(database_server, size=SERVER_CONNECTIONS))
    if pool is None:
        pytest.fail("The pooling proof needs PgBouncer: apt-get install pgbouncer")
    yield pool.socket
    asyncio.run(pool.stop())


@pytest.fixture(scope="session")
def certificates(folder: Path) -> Certificates:
    return tls.certificates(folder / "tls")


@pytest.fixture
def proxy_stand_in(
    pooler: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ProxyStandIn]:
    """Return the environment of a function that declares `postgres`, and the proxy it connects to."""
    context = certificates.server_context()
    door = ProxyStandIn(context, pooler, lambda user, token: _accepts(door.port, user, token))
    settings = {
        "DB_HOST": LOOPBACK,
        "DB_PORT": str(door.port),
        "DB_NAME": "atrium",
        "DB_USER": "app",
    }
    environment = (
        settings
        | KEYS
        | {"AWS_REGION": "eu-central-1", "SSL_CERT_FILE": str(certificates.ca_bundle)}
    )
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    config.required.cache_clear()
    postgres._tls.cache_clear()
    yield door
    postgres.disconnect()
    door.close()
    config.required.cache_clear()
    postgres._tls.cache_clear()


@pytest.fixture
def fresh_database(
    proxy_stand_in: ProxyStandIn, database_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """Return the name of an empty database as RDS creates it, owned by the master.

    `DB_NAME` names it.
    """
    with temporary_database(database_server, monkeypatch, "OWNER postgres") as name:
        yield name


@contextmanager
def temporary_database(
    server: Postgres, monkeypatch: pytest.MonkeyPatch, options: str
) -> Iterator[str]:
    name = f"fresh_{uuid4().hex}"
    as_superuser(server, f"CREATE DATABASE {name} {options}")
    use(name, monkeypatch)
    try:
        yield name
    finally:
        postgres.disconnect()
        as_superuser(server, f"DROP DATABASE {name} WITH (FORCE)")


def use(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the kernel's Postgres connect to `database`."""
    postgres.disconnect()
    monkeypatch.setenv("DB_NAME", database)
    config.required.cache_clear()


_superusers: dict[str, pg8000.native.Connection] = {}
"""The connections of `as_superuser`, which stay open: a new one costs 30 ms of the processor."""


def as_superuser(server: Postgres, sql: str) -> list[list[Any]]:
    """Connect directly to Postgres as superuser, which is impossible on RDS."""
    if server.socket not in _superusers:
        _superusers[server.socket] = pg8000.native.Connection(
            "rdsadmin", unix_sock=server.socket, database="postgres", ssl_context=False
        )
    rows: list[list[Any]] = _superusers[server.socket].run(sql)
    return rows


@pytest.fixture
def database(proxy_stand_in: ProxyStandIn) -> ProxyStandIn:
    """Return the same database with the roles."""
    roles.bootstrap()
    return proxy_stand_in


def _accepts(port: int, user: str, token: str) -> bool:
    """Accept a token by its user; tests/unit/data/test_rds_token.py compares the rest with
    botocore.
    """
    return token.startswith(f"{LOOPBACK}:{port}/?Action=connect&DBUser={user}&X-Amz-Algorithm=")
