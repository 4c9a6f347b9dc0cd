"""Rows of an instance: they are deleted with it, and a snapshot restores them with their roles."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pg8000.native
import pytest
from moto import mock_aws

from local_aws.database import postgres
from local_aws.database.contents import Change, Contents
from local_aws.database.postgres import SUPERUSER, Postgres
from local_aws_tests.database.conftest import REGION
from local_aws_tests.database.test_rds import Ask, asking, create_database


@dataclass
class Server:
    """A stub of the supervisor: stops the server for a change, and starts it again."""

    running: Postgres

    async def rebuild(self, change: Change) -> None:
        await self.running.pause()
        try:
            change(self.running.data)
        finally:
            log = self.running.data.with_name("postgres.log")
            self.running = await postgres.restart(self.running, log=log, durable=False)

    def run(self, sql: str) -> list[Any]:
        with pg8000.native.Connection(
            SUPERUSER, unix_sock=self.running.socket, database="app"
        ) as connection:
            return list(connection.run(sql) or [])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="atrium-test-") as folder:
        Path(folder).chmod(0o755)
        started = postgres.start_now(Path(folder) / "postgres", durable=False)
        server = Server(started)
        yield server
        server.running.stop_now()
        postgres.forget(started.data)
        assert [each.name for each in Path(folder).iterdir() if each.is_dir()] == []


@pytest.fixture
def rds(server: Server) -> Iterator[Ask]:
    with mock_aws():
        boto3.client("iam", region_name=REGION).create_service_linked_role(
            AWSServiceName="rds.amazonaws.com"
        )
        yield asking(Contents(server.running.data, server.rebuild))
    server.run("DROP TABLE IF EXISTS notes")
    server.run("DROP ROLE IF EXISTS app")


def write_rows(server: Server) -> None:
    server.run("CREATE ROLE app LOGIN")
    server.run("CREATE TABLE notes AS SELECT 'kept' AS text")
    server.run("GRANT SELECT ON notes TO app")


def found(server: Server) -> list[Any]:
    """Return the roles and rows of `write_rows` that exist, and whether the role may still read
    them.
    """
    tables = server.run("SELECT to_regclass('notes') IS NOT NULL")[0][0]
    roles = server.run("SELECT rolname FROM pg_roles WHERE rolname = 'app'")
    rows = (
        server.run("SELECT text, has_table_privilege('app', 'notes', 'SELECT') FROM notes")
        if tables
        else []
    )
    return [*roles, *rows]


WRITTEN = [["app"], ["kept", True]]


def test_a_deleted_instance_loses_its_rows(server: Server, rds: Ask) -> None:
    create_database(rds)
    write_rows(server)
    assert found(server) == WRITTEN
    rds("DeleteDBInstance", DBInstanceIdentifier="database", SkipFinalSnapshot="true")
    assert found(server) == []
    create_database(rds)
    assert found(server) == []
    assert server.run("SELECT rolname FROM pg_roles WHERE rolname = 'rds_iam'") == [["rds_iam"]]


def test_rows_are_deleted_with_the_last_instance(server: Server, rds: Ask) -> None:
    create_database(rds, "one")
    create_database(rds, "two")
    write_rows(server)
    rds("DeleteDBInstance", DBInstanceIdentifier="one", SkipFinalSnapshot="true")
    assert found(server) == WRITTEN
    rds("DeleteDBInstance", DBInstanceIdentifier="two", SkipFinalSnapshot="true")
    assert found(server) == []


def test_a_final_snapshot_restores_rows_and_roles(server: Server, rds: Ask) -> None:
    create_database(rds)
    write_rows(server)
    rds("DeleteDBInstance", DBInstanceIdentifier="database", FinalDBSnapshotIdentifier="Last")
    assert found(server) == []
    rds(
        "RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="again", DBSnapshotIdentifier="last"
    )
    assert found(server) == WRITTEN


def test_a_snapshot_has_the_state_of_its_time(server: Server, rds: Ask) -> None:
    create_database(rds)
    write_rows(server)
    made = rds("CreateDBSnapshot", DBInstanceIdentifier="database", DBSnapshotIdentifier="before")
    server.run("UPDATE notes SET text = 'changed later'")
    rds("DeleteDBInstance", DBInstanceIdentifier="database", SkipFinalSnapshot="true")
    arn = made.partition("<DBSnapshotArn>")[2].partition("<")[0]
    rds("RestoreDBInstanceFromDBSnapshot", DBInstanceIdentifier="again", DBSnapshotIdentifier=arn)
    assert found(server) == WRITTEN


def test_the_server_runs_again_after_a_failed_copy(
    server: Server, rds: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_database(rds)
    write_rows(server)

    def fail(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("local_aws.database.contents.shutil.copytree", fail)
    with pytest.raises(OSError, match="No space left"):
        rds("CreateDBSnapshot", DBInstanceIdentifier="database", DBSnapshotIdentifier="before")
    assert found(server) == WRITTEN


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Ask]:
    """Return RDS with a data folder without a server."""

    async def rebuild(change: Change) -> None:
        (tmp_path / "postgres").mkdir(exist_ok=True)
        change(tmp_path / "postgres")

    with mock_aws():
        boto3.client("iam", region_name=REGION).create_service_linked_role(
            AWSServiceName="rds.amazonaws.com"
        )
        yield asking(Contents(tmp_path / "postgres", rebuild))


@pytest.mark.parametrize(
    ("action", "parameters", "told"),
    [
        ("DeleteDBInstance", {}, "is required unless SkipFinalSnapshot is specified"),
        (
            "DeleteDBInstance",
            {"SkipFinalSnapshot": "true", "FinalDBSnapshotIdentifier": "last"},
            "can not be specified when SkipFinalSnapshot is specified",
        ),
        (
            "RestoreDBInstanceFromDBSnapshot",
            {"DBSnapshotIdentifier": "before"},
            "Delete the instance database",
        ),
        (
            "RestoreDBInstanceToPointInTime",
            {"TargetDBInstanceIdentifier": "x"},
            "no write-ahead log",
        ),
    ],
)
def test_a_call_that_would_lose_rows_is_refused(
    record: Ask, action: str, parameters: dict[str, str], told: str
) -> None:
    create_database(record)
    with pytest.raises(AssertionError, match=told):
        record(action, **{"DBInstanceIdentifier": "database"} | parameters)
    assert "<DBInstanceIdentifier>database<" in record("DescribeDBInstances")


def test_restoring_a_snapshot_without_rows_is_reported(record: Ask) -> None:
    create_database(record)
    record("CreateDBSnapshot", DBInstanceIdentifier="database", DBSnapshotIdentifier="before")
    record(
        "CopyDBSnapshot", SourceDBSnapshotIdentifier="before", TargetDBSnapshotIdentifier="copied"
    )
    record("DeleteDBInstance", DBInstanceIdentifier="database", SkipFinalSnapshot="true")
    with pytest.raises(AssertionError, match="rows of the snapshot copied are not kept"):
        record(
            "RestoreDBInstanceFromDBSnapshot",
            DBInstanceIdentifier="x",
            DBSnapshotIdentifier="copied",
        )


def test_a_deleted_snapshot_is_removed(record: Ask, tmp_path: Path) -> None:
    create_database(record)
    record("CreateDBSnapshot", DBInstanceIdentifier="database", DBSnapshotIdentifier="before")
    assert (tmp_path / "postgres.snapshot-before").is_dir()
    record("DeleteDBSnapshot", DBSnapshotIdentifier="before")
    assert not (tmp_path / "postgres.snapshot-before").exists()
