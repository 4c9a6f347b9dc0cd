"""`make restore-drill`: dump the laptop's database, drop it, restore the dump, and compare.

The drill compares the rows of every table by count and checksum, and the roles' rights. Then a
user signs in and reads their record through the API. docs/runbooks/restore.md is the same for AWS.
"""

import argparse
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pg8000.native
from botocore.exceptions import ClientError

from local_aws.database import binaries, postgres
from local_aws.database.child import unprivileged_group, unprivileged_user
from local_aws.database.postgres import SUPERUSER
from local_aws.supervisor import ready as supervisor
from tools.deploy import command
from tools.deploy.environment import LOCAL, Environment, EnvironmentUnavailableError, environment
from tools.deploy.errors import RefusedError

API_SECONDS = 30.0
"""The longest time that services may take to reconnect to the database."""
RESTORE = ("--create", "--exit-on-error", "--dbname=postgres")
TABLES = "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"


class DrillFailedError(RefusedError):
    """The drill failed. The message says what differs and where the dump is."""


@dataclass(frozen=True)
class Server:
    """The laptop's Postgres as the superuser, through its private socket."""

    socket_dir: Path
    port: int
    database: str
    bin: Path  # pg_dump, pg_restore

    @contextmanager
    def connected(self, database: str) -> Iterator[pg8000.native.Connection]:
        socket = str(self.socket_dir / f".s.PGSQL.{self.port}")
        with pg8000.native.Connection(SUPERUSER, unix_sock=socket, database=database) as connection:
            yield connection

    def command(self, program: str) -> list[str]:
        return [
            str(self.bin / program),
            f"--host={self.socket_dir}",
            f"--port={self.port}",
            f"--username={SUPERUSER}",
        ]

    def run(
        self,
        program: str,
        *arguments: str,
        reads: IO[bytes] | None = None,
        writes: IO[bytes] | None = None,
    ) -> None:
        """Run a Postgres program outside the checkout, which it may not be able to enter.

        Raises:
            DrillFailedError: The program failed; the message is its own.
        """
        done = subprocess.run(
            [*self.command(program), *arguments],
            stdin=reads or subprocess.DEVNULL,
            stdout=writes,
            stderr=subprocess.PIPE,
            cwd="/",
            user=unprivileged_user(),
            group=unprivileged_group(),
            extra_groups=[] if os.geteuid() == 0 else None,
        )
        if done.returncode:
            raise DrillFailedError(f"{program} failed: {done.stderr.decode().strip()}")


@dataclass(frozen=True)
class Content:
    """The number of rows of each table, and a checksum over them that ignores their order."""

    rows: dict[str, int]
    checksums: dict[str, str]

    def differing(self, other: "Content") -> list[str]:
        names = sorted(self.rows.keys() | other.rows.keys())
        return [name for name in names if self.checksums.get(name) != other.checksums.get(name)]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.operations.restore_drill", description=__doc__
    )
    parser.add_argument("--format", choices=["text", "json"], default="text")
    wants_json = parser.parse_args().format == "json"
    return command.run("restore-drill", lambda: _drill(wants_json))


def _drill(wants_json: bool) -> None:
    if wants_json:
        print(json.dumps(drill(environment(LOCAL), lambda _: None), indent=2))
    else:
        drill(environment(LOCAL), lambda line: print(line, flush=True))


def drill(chosen: Environment, report: Callable[[str], None]) -> dict[str, Any]:
    """Run the drill; delete the dump only after a success. Raise DrillFailedError."""
    server = server_of(chosen)
    file = dump_file(chosen)
    try:
        record = own_record(chosen)
        before = dump(server, file)
    except BaseException:  # nothing was lost yet
        file.unlink()
        raise
    report(
        f"dumped    {sum(before.rows.values())} rows of {len(before.rows)} tables, {file.stat().st_size} bytes"
    )
    started = time.monotonic()
    try:
        lose(server)
        require_lost(server, chosen)
        report("lost      the database, and nobody can sign in")
        restore(server, file)
        require_same(before, server)
        report(f"restored  every table as it was: {described(before)}")
        require_record(chosen, record)
        report(f"signed in {record['email']}, who reads their record through the API as before")
    except (
        DrillFailedError,
        OSError,
        ClientError,
        pg8000.exceptions.Error,
        KeyboardInterrupt,
    ) as error:
        by_hand = " ".join([*server.command("pg_restore"), *RESTORE])
        why = str(error) or "interrupted; the database may be missing."
        raise DrillFailedError(
            f"{why}\n  The dump is kept. Restore it by hand: {by_hand} < {file}"
        ) from error
    file.unlink()
    seconds = round(time.monotonic() - started, 1)
    report(f"{seconds} s from the loss to the first answer")
    return {"rows": before.rows, "signed_in": record["email"], "seconds": seconds}


def dump_file(chosen: Environment) -> Path:
    assert chosen.settings
    file = chosen.settings.state / "restore-drill.dump"
    if file.exists():
        raise DrillFailedError(
            f"{file} is left over from a failed drill. Restore it or delete it first."
        )
    file.touch(mode=0o600)
    return file


def server_of(chosen: Environment) -> Server:
    settings = chosen.settings
    running = supervisor.running(settings) if settings else None
    if settings is None or running is None:
        raise EnvironmentUnavailableError(
            "The drill needs the laptop's stack, which is down. `make up` starts it."
        )
    folder = postgres.socket_folder(postgres.place(settings.state / "postgres"))
    return Server(
        folder, running.postgres_port, chosen.output("database_name"), binaries.find().folder
    )


def dump(server: Server, file: Path) -> Content:
    """Dump the database and return its content from the same snapshot, so that writes may continue."""
    with server.connected(server.database) as connection:
        connection.run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        [[snapshot]] = connection.run("SELECT pg_export_snapshot()")
        content = read_content(connection)
        with file.open("wb") as into:
            options = ("--format=custom", f"--snapshot={snapshot}", f"--dbname={server.database}")
            server.run("pg_dump", *options, writes=into)
        connection.run("ROLLBACK")
    return content


def read_content(connection: pg8000.native.Connection) -> Content:
    rows, checksums = {}, {}
    for (table,) in connection.run(TABLES):
        sql = f"SELECT count(*), md5(coalesce(string_agg(row, '' ORDER BY row), '')) FROM (SELECT md5(t::text) AS row FROM {table} t) rows"  # noqa: S608
        [[rows[table], checksums[table]]] = connection.run(sql)
    return Content(rows, checksums)


def lose(server: Server) -> None:
    with server.connected("postgres") as connection:
        connection.run(f'DROP DATABASE "{server.database}" WITH (FORCE)')


def require_lost(server: Server, chosen: Environment) -> None:
    """Raise DrillFailedError unless the database is gone; otherwise the drill would prove nothing."""
    with server.connected("postgres") as connection:
        left = connection.run(
            "SELECT 1 FROM pg_database WHERE datname = :name", name=server.database
        )
    if left:
        raise DrillFailedError(f"the database {server.database} still exists.")
    try:
        sign_in(chosen)
    except ClientError:
        return
    raise DrillFailedError("a sign-in worked without a database, so the API does not use this one.")


def restore(server: Server, file: Path) -> None:
    with file.open("rb") as dumped:
        server.run("pg_restore", *RESTORE, reads=dumped)


def require_same(before: Content, server: Server) -> None:
    with server.connected(server.database) as connection:
        after = read_content(connection)
    if differing := before.differing(after):
        counts = ", ".join(
            f"{name}: {before.rows.get(name)} rows, now {after.rows.get(name)}"
            for name in differing
        )
        raise DrillFailedError(f"the restored database differs: {counts}.")


def described(content: Content) -> str:
    return ", ".join(
        f"{name.removeprefix('public.')} {rows}" for name, rows in content.rows.items()
    )


def require_record(chosen: Environment, before: dict[str, Any]) -> None:
    """Wait until the API returns the same record; services reconnect by themselves."""
    deadline = time.monotonic() + API_SECONDS
    while True:
        try:
            after = own_record(chosen)
            break
        except (ClientError, OSError) as error:
            if time.monotonic() > deadline:
                raise DrillFailedError(
                    f"the sign-in still fails {API_SECONDS:.0f} s after the restore: {error}"
                ) from error
            time.sleep(0.2)
    if after != before:
        raise DrillFailedError(f"GET /v1/me returns {after}; before the loss it returned {before}.")


def own_record(chosen: Environment) -> dict[str, Any]:
    """Sign the admin in and return their record (GET /v1/me)."""
    request = urllib.request.Request(
        f"{chosen.output('api_url')}/v1/me", headers={"Authorization": f"Bearer {sign_in(chosen)}"}
    )
    with urllib.request.urlopen(request, timeout=API_SECONDS) as response:
        record: dict[str, Any] = json.load(response)
    return record


def sign_in(chosen: Environment) -> str:
    """Sign the admin in and return an access token; a trigger reads the user from Postgres."""
    answer = chosen.client("cognito-idp").initiate_auth(
        ClientId=chosen.output("user_pool_client_id"),
        AuthFlow="USER_PASSWORD_AUTH",
        AuthParameters={
            "USERNAME": chosen.output("admin_email"),
            "PASSWORD": chosen.output("admin_password"),
        },
    )
    return str(answer["AuthenticationResult"]["AccessToken"])


if __name__ == "__main__":
    sys.exit(main())
