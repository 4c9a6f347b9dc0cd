"""The real Postgres server: RDS's roles and extensions, persistence, and its end with its
supervisor.
"""

import asyncio
import os
import pwd
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pg8000.native
import pytest

from local_aws.database import binaries, postgres
from local_aws.database.binaries import PostgresNotFoundError
from local_aws.database.child import command_of
from local_aws.database.postgres import (
    MASTER,
    SUPERUSER,
    Postgres,
    PostgresError,
    place,
    start_now,
)
from local_aws.settings import LOOPBACK
from local_aws.supervisor.ports import free_ports
from local_aws_tests.support.waiting import settle

ROOT = Path(__file__).resolve().parents[5]

# A supervisor for tests that kill it: it prints its server's pid and port, and waits.
SUPERVISOR = """
import sys, time
from pathlib import Path
from local_aws.database.postgres import start_now
server = start_now(Path(sys.argv[1]), durable=False)
print((server.data / "postmaster.pid").read_text().split()[0], server.port, flush=True)
time.sleep(60)
"""


@pytest.fixture
def data() -> Iterator[Path]:
    """Return a data folder outside of pytest's tmp_path, which `nobody` cannot enter."""
    with tempfile.TemporaryDirectory(prefix="atrium-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "postgres"


def connect(server: Postgres, user: str = SUPERUSER) -> pg8000.native.Connection:
    return pg8000.native.Connection(user, unix_sock=server.socket, database="app")


def alive(pid: int) -> bool:
    return bool(command_of(pid))


def gone(pid: int) -> bool:
    return settle(lambda: not alive(pid), 60)


def test_the_server_has_the_roles_and_extensions_of_rds(postgres: Postgres) -> None:
    master = connect(postgres, MASTER)
    roles = master.run(
        "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname ~ '^(rds|postgres)' ORDER BY 1"
    )
    assert roles == [
        ["postgres", False, True],
        ["rds_iam", False, False],
        ["rds_superuser", False, False],
        ["rdsadmin", True, True],
    ]
    master.run("CREATE ROLE somebody LOGIN")
    master.run("GRANT rds_iam TO somebody")
    master.run("CREATE EXTENSION citext")
    assert master.run("SELECT pg_has_role('postgres', 'rds_iam', 'USAGE')") == [[False]]
    with pytest.raises(pg8000.native.DatabaseError, match="permission denied"):
        master.run("ALTER SYSTEM SET work_mem = '1MB'")
    master.close()


def test_tcp_needs_a_password_and_is_bound_only_to_loopback(postgres: Postgres) -> None:
    admin = connect(postgres)
    assert admin.run("SHOW listen_addresses") == [["127.0.0.1"]]
    admin.run("CREATE ROLE tcp LOGIN PASSWORD 'right'")
    admin.close()
    pg8000.native.Connection(
        "tcp", host="127.0.0.1", port=postgres.port, database="app", password="right"
    ).close()
    for user, password in (("tcp", "wrong"), (SUPERUSER, "")):
        with pytest.raises(pg8000.native.DatabaseError, match="28P01"):
            pg8000.native.Connection(
                user, host="127.0.0.1", port=postgres.port, database="app", password=password
            )


def test_its_socket_is_private(postgres: Postgres) -> None:
    assert postgres.socket_dir.stat().st_mode & 0o777 == 0o700
    assert len(postgres.socket) < 108


def test_as_root_it_runs_as_nobody(postgres: Postgres) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root changes user")
    assert Path(postgres.data).stat().st_uid == pwd.getpwnam("nobody").pw_uid


def test_data_is_kept_between_runs(data: Path) -> None:
    first = start_now(data, port=free_ports()[0])  # still free when it starts again
    connection = connect(first)
    connection.run("CREATE TABLE kept AS SELECT 7 AS n")
    connection.close()
    first.stop_now()
    first.stop_now()
    assert not first.running

    second = asyncio.run(postgres_started(data, first.port))
    assert (second.port, second.data) == (first.port, data)
    connection = connect(second)
    assert connection.run("SELECT n FROM kept") == [[7]]
    connection.close()
    asyncio.run(second.stop())


async def postgres_started(data: Path, port: int) -> Postgres:
    return await postgres.start(data, port=port)


def test_two_supervisors_do_not_share_data(data: Path) -> None:
    first = start_now(data, durable=False)
    with pytest.raises(PostgresError, match="in use by another running stack"):
        start_now(data)
    assert first.running
    first.stop_now()


def test_a_port_in_use_is_reported(data: Path) -> None:
    first = start_now(data, durable=False)
    with pytest.raises(
        PostgresError, match=rf"did not start on port {first.port}(.|\n)*Address already in use"
    ):
        start_now(data.with_name("other"), port=first.port)
    first.stop_now()


def test_a_free_port_taken_meanwhile_is_replaced(data: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as somebody:
        ports = [free_ports()[0], somebody.getsockname()[1]]
        server = start_now(data, durable=False, free_port=lambda: ports.pop())
    assert (server.running, ports) == (True, [])
    connect(server).close()
    server.stop_now()


def test_data_of_another_version_is_reported(data: Path) -> None:
    start_now(data, durable=False).stop_now()
    (data / "PG_VERSION").write_text("14\n")
    with pytest.raises(PostgresError, match="was created by Postgres 14"):
        start_now(data)


def test_the_server_ends_when_its_supervisor_is_killed(data: Path) -> None:
    supervisor, pid, _ = supervised(data)
    supervisor.kill()
    supervisor.wait()
    assert gone(pid)


def test_a_server_without_supervisor_is_stopped_at_the_next_start(data: Path) -> None:
    """Kill the watcher as well, as a `kill -9` of all visible processes would."""
    supervisor, pid, _ = supervised(data)
    children = subprocess.run(
        ["pgrep", "-P", str(pid), "-x", "sh"], capture_output=True, text=True, check=True
    )
    os.kill(int(children.stdout), signal.SIGKILL)
    supervisor.kill()
    supervisor.wait()
    time.sleep(0.3)
    assert alive(pid)
    second = start_now(data, durable=False)
    assert not alive(pid)  # or a zombie, where no init process reaps orphans
    connect(second).close()
    second.stop_now()


def supervised(data: Path) -> tuple["subprocess.Popen[str]", int, int]:
    command = [sys.executable, "-c", SUPERVISOR, str(data)]
    supervisor = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    with supervisor.stdout:
        pid, port = supervisor.stdout.readline().split()
    return supervisor, int(pid), int(port)


def test_a_stale_pid_file_that_names_another_process_is_ignored(data: Path) -> None:
    start_now(data, durable=False).stop_now()
    (data / "postmaster.pid").write_text(
        f"{os.getpid()}\n{data}\n0\n5432\n/tmp\n127.0.0.1\n0 0\nready\n"
    )
    server = start_now(data, durable=False)
    assert server.running
    server.stop_now()


def test_data_in_a_folder_closed_to_nobody_are_stored_elsewhere(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root changes user")
    tmp_path.chmod(0o700)
    closed = tmp_path / "postgres"
    assert place(closed) == place(closed)
    assert place(closed) != place(tmp_path / "other")
    assert place(closed).is_relative_to("/var/tmp")  # noqa: S108


def test_a_missing_postgres_is_reported_with_its_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PostgresNotFoundError, match="apt-get install postgresql"):
        binaries.choose(None, ())


def test_the_systems_newest_postgres_replaces_a_pinned_one_that_fails(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for version in ("14.9", "16.1", "15.3"):
        fake_postgres(tmp_path / version, f"echo 'postgres (PostgreSQL) {version} (Debian)'")
    fake_postgres(tmp_path / "broken", "exit 1")
    monkeypatch.setenv("PATH", "/nowhere")
    found = binaries.choose(tmp_path / "broken", (f"{tmp_path}/*",))
    assert (found.major, found.version, found.folder) == (16, "16.1", tmp_path / "16.1")


def fake_postgres(folder: Path, script: str) -> None:
    folder.mkdir()
    for name in ("postgres", "initdb"):
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
