"""Real stores for the services' tests: Postgres with the real migrations, and moto's DynamoDB."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import botocore.session
import pg8000.native
import pytest
import yaml
from botocore.stub import Stubber
from moto import mock_aws

from atrium.identity import legacy_grants, namespaces, permissions, session, session_records
from atrium.runtime import config, parallel
from atrium.stores import dynamodb, postgres, signing_keys
from identity_commands import cognito
from local_aws.control_plane import moto_growth  # noqa: F401 - a fix to moto, made by importing it
from local_aws.database.postgres import SUPERUSER, Postgres, running
from local_aws_tests.support import quick_mocks  # noqa: F401 - patches moto and botocore
from pre_token_generation import scopes
from tests.support.kept_connections import KeptConnections, empty
from tests.unit.concurrent_writers import Crowd
from tests.unit.events import POOL
from tests.unit.personal_items import undeclared

ROOT = Path(__file__).parents[2]
TABLE = "atrium-test-UserAttributes"
TABLES = (
    "users",
    "identities",
    "audit_events",
    "audit_chains",
    "unpublished_events",
    "idempotency_keys",
    "operations",
    "invitations",
    "outbox",
)
"""The tables of people's data, empty at the start of each test."""


class Logs:
    """The log lines of a function."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._capsys.readouterr().out.splitlines()]

    def line(self) -> dict[str, Any]:
        [line] = self.lines()
        return line


@pytest.fixture
def logs(capsys: pytest.CaptureFixture[str]) -> Logs:
    return Logs(capsys)


@pytest.fixture(autouse=True)
def fresh_container(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Clear the caches as in a new container. The caller's session counts as recorded.

    The fixture `recording` of test_sessions.py lets sessions be recorded.
    """
    monkeypatch.setattr(session_records, "note", lambda claims, device: None)
    monkeypatch.setenv("ATRIUM_SERVICE", "service")
    monkeypatch.setenv("ATRIUM_STAGE", "test")
    monkeypatch.setenv("REFRESH_TOKEN_DAYS", "30")
    forget()
    yield
    forget()


def forget() -> None:
    config.required.cache_clear()
    config.optional.cache_clear()
    for module in (session, session_records, permissions, signing_keys, namespaces, legacy_grants):
        module.cache.clear()


def finish_reads() -> None:
    """Wait for the parallel reads of a failed request, which would be counted as the next one's."""
    parallel.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    with running(tmp_path_factory.mktemp("postgres") / "data", database="atrium") as started:
        with pg8000.native.Connection(
            SUPERUSER, unix_sock=started.socket, database="atrium"
        ) as connection:
            connection.run("CREATE ROLE app LOGIN")
            connection.run("CREATE ROLE readonly LOGIN")
            for migration in sorted((ROOT / "migrations").glob("????_*.sql")):
                if not migration.name.endswith(".rollback.sql"):
                    # A text with several statements is one transaction, in which CONCURRENTLY is
                    # refused. No other session would be blocked here.
                    connection.run(migration.read_text().replace(" CONCURRENTLY", ""))
        yield started


@pytest.fixture(scope="session")
def address(server: Postgres) -> dict[str, Any]:
    # Without this, pg8000 loads all certificate authorities for each connection; this Postgres has
    # no TLS.
    return {"unix_sock": server.socket, "database": "atrium", "ssl_context": False}


@pytest.fixture(scope="session")
def superuser(address: dict[str, Any]) -> Iterator[pg8000.native.Connection]:
    with pg8000.native.Connection(SUPERUSER, **address) as connection:
        yield connection


@pytest.fixture(scope="session")
def connections_of_app(address: dict[str, Any]) -> Iterator[KeptConnections]:
    kept = KeptConnections(address)
    yield kept
    kept.close()


@pytest.fixture
def database(
    superuser: pg8000.native.Connection,
    connections_of_app: KeptConnections,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[pg8000.native.Connection]:
    """Return a superuser's connection to empty tables, which `atrium.stores.postgres` uses as
    `app`.
    """
    for name, value in {
        "DB_HOST": "unused",
        "DB_PORT": "1",
        "DB_NAME": "atrium",
        "DB_USER": "app",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(postgres, "connect", connections_of_app.connect)
    empty(superuser, *TABLES)
    yield superuser
    postgres.disconnect()


@pytest.fixture(scope="module")
def aws() -> Iterator[Any]:
    """Put moto behind every AWS client. Return botocore's client for DynamoDB.

    The tests of a file share the clients, because creating one takes a quarter of a second.
    """
    environment = {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "USER_ATTRIBUTES_TABLE": TABLE,
    }
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        dynamodb.client.cache_clear()
        yield botocore.session.get_session().create_client("dynamodb")
    dynamodb.client.cache_clear()


@pytest.fixture
def table(aws: Any) -> Iterator[Any]:
    """Return an empty table of user attributes.

    At the end each item must be declared in a personal-data.yaml.
    """
    aws.create_table(
        TableName=TABLE,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": f"{index}{key}", "AttributeType": "S"}
            for index in ("", "gsi1", "gsi2")
            for key in ("pk", "sk")
        ],
        GlobalSecondaryIndexes=[_index("GSI1"), _index("GSI2")],
        BillingMode="PAY_PER_REQUEST",
    )
    state = {
        "pk": "G#",
        "sk": "LAYOUT",
        "layout": "keyed",
    }  # the state of a new environment after `make migrate`
    aws.put_item(TableName=TABLE, Item={name: {"S": value} for name, value in state.items()})
    yield aws
    told = list(undeclared(aws.scan(TableName=TABLE)["Items"]))
    aws.delete_table(TableName=TABLE)
    assert not told, "\n".join(told)


@pytest.fixture(scope="session")
def _cognito_client() -> Any:
    return botocore.session.get_session().create_client(
        "cognito-idp", "eu-central-1", aws_access_key_id="test", aws_secret_access_key="test"
    )


@pytest.fixture
def pool(_cognito_client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Return a stub of Cognito, which gives the answers that a test adds."""
    monkeypatch.setattr(cognito, "client", lambda service: _cognito_client)
    monkeypatch.setattr(cognito, "pool_id", lambda: POOL)
    with Stubber(_cognito_client) as stubber:
        yield stubber


@pytest.fixture
def crowd(table: Any, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    made = Crowd()
    monkeypatch.setattr(dynamodb.client(), "_make_api_call", made.make_api_call)
    return made


def _index(name: str) -> Any:
    keys = (("pk", "HASH"), ("sk", "RANGE"))
    return {
        "IndexName": name,
        "KeySchema": [
            {"AttributeName": f"{name.lower()}{key}", "KeyType": kind} for key, kind in keys
        ],
        "Projection": {"ProjectionType": "ALL"},
    }


@pytest.fixture
def contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Write the kernel's part of the contract, from which pre_token_generation reads the scopes.

    A build packages the whole contract.
    """
    document = tmp_path / "openapi.json"
    document.write_text(
        json.dumps(yaml.safe_load(Path(ROOT, "functions/atrium/openapi.yaml").read_text()))
    )
    monkeypatch.setattr(scopes, "DOCUMENT", document)
    scopes.declared.cache_clear()
    yield
    scopes.declared.cache_clear()


def wait_until_blocked(database: pg8000.native.Connection, sessions: int) -> None:
    """Wait until this many sessions wait for a lock."""
    deadline = time.monotonic() + 60
    while database.run("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") != [
        [sessions]
    ]:
        assert time.monotonic() < deadline, (
            "nobody waits for the lock: the race this test is about does not happen"
        )
        database.run("SELECT pg_stat_clear_snapshot()")
        time.sleep(0.01)
