"""A real Postgres with the roles RDS has, kept in a folder between runs, gone when we are gone."""

import asyncio
import fcntl
import hashlib
import os
import random
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path

from local_aws.database import binaries
from local_aws.database.binaries import Binaries
from local_aws.database.child import (
    Child,
    command_of,
    give_away,
    interrupt,
    private_folder,
    spawn,
    unprivileged_group,
    unprivileged_user,
)
from local_aws.settings import LOOPBACK

DATABASE = "atrium"
MASTER = "postgres"  # as on RDS: not a superuser, but CREATEDB, CREATEROLE and rds_superuser
SUPERUSER = "rdsadmin"  # RDS's own; reachable here only through the private socket

_START_TIMEOUT = 30.0
_ENVIRONMENT = {"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"}

_TAKEN = "Address already in use"  # what Postgres says of its port then

# What Postgres says then: of a write that was refused, and of one that was done in part.
_DISK_FULL = ("No space left on device", "Check free disk space")

# What RDS sets up before its customer sees the instance. One statement a line: single-user mode reads lines.
_ROLES = f"""\
CREATE ROLE rds_iam
CREATE ROLE rds_superuser
GRANT pg_monitor, pg_signal_backend, pg_checkpoint TO rds_superuser WITH ADMIN OPTION
CREATE ROLE {MASTER} LOGIN CREATEDB CREATEROLE IN ROLE rds_superuser
CREATE DATABASE {DATABASE} OWNER {MASTER}
"""
# From 16 on a grantor needs ADMIN; the master must not become a member of rds_iam by it, which RDS reads as "IAM only".
_GRANT_IAM = f"GRANT rds_iam TO {MASTER} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE\n"


class PostgresFailed(RuntimeError):  # noqa: N818
    pass


@dataclass(frozen=True)
class Postgres:
    """A running server. TCP on 127.0.0.1 asks for SCRAM passwords; the socket, in a 0700 folder, trusts."""

    port: int
    socket_dir: Path
    data: Path  # where the data really lies: see `place`
    version: str
    bin: Path  # psql, pg_dump, …
    _child: Child
    _lock: TextIOWrapper

    @property
    def socket(self) -> str:
        """The unix socket's path, e.g. for `pg8000.connect(user, unix_sock=…, database=…)`."""
        return str(self.socket_dir / f".s.PGSQL.{self.port}")

    @property
    def superuser_dsn(self) -> str:
        return self.dsn(SUPERUSER)

    def dsn(self, user: str, database: str = DATABASE) -> str:
        """libpq URL over the trusting unix socket."""
        return f"postgresql://{user}@/{database}?host={self.socket_dir}&port={self.port}"

    @property
    def running(self) -> bool:
        return self._child.process.poll() is None

    async def stop(self) -> None:
        await asyncio.to_thread(self.stop_now)

    def stop_now(self) -> None:
        """Fast shutdown: open transactions are rolled back, data is on disk. Stopping twice is fine."""
        self._child.stop()
        shutil.rmtree(self.socket_dir, ignore_errors=True)
        self._lock.close()


async def start(
    data: Path, *, port: int | None = None, log: Path | None = None, durable: bool = True
) -> Postgres:
    """See `start_now`."""
    return await asyncio.to_thread(start_now, data, port=port, log=log, durable=durable)


@contextmanager
def running(
    data: Path, *, port: int | None = None, log: Path | None = None, durable: bool = False
) -> Iterator[Postgres]:
    """For tests: `with running(tmp_path / "postgres") as postgres`. Not durable by default, which is faster.

    Data that `place` had to put outside of `data`'s folder is removed at the end.
    """
    server = start_now(data, port=port, log=log, durable=durable)
    try:
        yield server
    finally:
        server.stop_now()
        if server.data != data.resolve():
            forget(data)


async def restart(server: Postgres, *, log: Path, durable: bool = True) -> Postgres:
    """A new server in place of one that was killed: the same data, port and lock.

    Raises:
        PostgresFailed: it did not start in `_START_TIMEOUT` seconds. Orphans of the old one hold its memory for a moment.
    """
    found = await asyncio.to_thread(binaries.find)
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        try:
            return await asyncio.to_thread(
                _launch, found, server.data, server.port, log, durable, server._lock
            )
        except PostgresFailed:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.2)


def start_now(
    data: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    durable: bool = True,
    free_port: Callable[[], int] | None = None,
) -> Postgres:
    """Start Postgres on `data` (made when absent), on `port` or a free one; ready for connections on return.

    A server left over by a killed supervisor is stopped first. `durable=False` skips fsync.

    Raises:
        NoPostgres: no Postgres runs on this machine.
        PostgresFailed: `data` is in use by another stack, of another major version, or the start failed.
    """
    found = binaries.find()
    data = place(data)
    log = log or data.with_name(f"{data.name}.log")
    lock = _locked(data)
    try:
        _stop_leftover(data)
        if not data.is_dir():
            _create(found, data)
        _check_version(found, data)
        if port is not None:
            return _launch(found, data, port, log, durable, lock)
        return _launch_on_free_port(found, data, log, durable, lock, free_port or _free_port)
    except BaseException:
        lock.close()
        raise


def place(data: Path) -> Path:
    """Where the data of `data` really lies: there, or under /var/tmp when we are root and `nobody` cannot reach it.

    A checkout under /root, for example. Whoever forgets a stack calls `forget(data)`.
    """
    data = data.resolve()
    user = unprivileged_user()
    if user is None or all(folder.stat().st_mode & 0o001 for folder in _existing_parents(data)):
        return data
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return binaries.public_folder(binaries.cache_folder()) / f"data-{key}"


def socket_folder(data: Path) -> Path:
    """Of the server on `data`, as `place` gives it. Its name is in the command line of all its processes."""
    key = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(f"/tmp/atrium-{os.geteuid()}-{key}")  # noqa: S108  short: socket paths end at 107


def forget(data: Path) -> None:
    """Remove the data of `data`, wherever it lies, with its log and lock. Its server must be stopped."""
    data = place(data)
    shutil.rmtree(data, ignore_errors=True)
    for suffix in ("log", "lock"):
        data.with_name(f"{data.name}.{suffix}").unlink(missing_ok=True)


def _existing_parents(path: Path) -> list[Path]:
    return [folder for folder in path.parents if folder.is_dir()]


def _locked(data: Path) -> TextIOWrapper:
    """A lock that ends with us, however we end: two supervisors never share one data folder."""
    data.parent.mkdir(parents=True, exist_ok=True)
    lock = data.with_name(f"{data.name}.lock").open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise PostgresFailed(
            f"{data} is in use by another running stack. Stop that one first (`make down`)."
        ) from None
    return lock


def _stop_leftover(data: Path) -> None:
    """End the server of a supervisor that was killed. The lock is ours, so nobody alive owns it."""
    deadline = time.monotonic() + 15
    while (pid := _postmaster(data)) is not None:
        if time.monotonic() > deadline:
            raise PostgresFailed(
                f"An earlier Postgres (pid {pid}) on {data} does not stop. Kill it: `kill -9 {pid}`."
            )
        interrupt(pid)
        time.sleep(0.05)


def _postmaster(data: Path) -> int | None:
    """The pid of a live Postgres on `data`; a pid file left by a crash may name any process by now."""
    try:
        pid = int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None
    command = command_of(pid)
    return pid if "postgres" in command and f" {data} " in f"{command} " else None


def _create(found: Binaries, data: Path) -> None:
    """initdb and RDS's roles in a folder beside, then renamed: `data` is whole or absent."""
    scratch = Path(tempfile.mkdtemp(prefix=f"{data.name}.new-", dir=data.parent))
    give_away(scratch)
    options = [
        "--username",
        SUPERUSER,
        "--encoding",
        "UTF8",
        "--locale",
        "C",
        "--no-sync",
        "--no-instructions",
    ]
    try:
        _run(
            [
                found.folder / "initdb",
                *options,
                "--auth-local=trust",
                "--auth-host=scram-sha-256",
                "-D",
                scratch,
            ]
        )
        statements = _ROLES + (_GRANT_IAM if found.major >= 16 else "")
        _run(
            [
                found.folder / "postgres",
                "--single",
                "-c",
                "exit_on_error=on",
                "-D",
                scratch,
                "postgres",
            ],
            statements,
        )
        scratch.rename(data)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _run(command: list[str | Path], input_text: str = "") -> None:
    done = subprocess.run(
        command,
        input=input_text,
        capture_output=True,
        text=True,
        env=_ENVIRONMENT,
        cwd="/",
        check=False,
        user=unprivileged_user(),
        group=unprivileged_group(),
        extra_groups=[] if os.geteuid() == 0 else None,
    )
    if done.returncode:
        full = any(sign in done.stderr for sign in _DISK_FULL)
        advice = "\nMake room where the stack's folder lies" if full else "\nWhen that is mended"
        name = Path(command[0]).name
        raise PostgresFailed(
            f"{name} failed, so there is no database yet: {done.stderr.strip()}{advice}, run `make up` again."
        )


def _check_version(found: Binaries, data: Path) -> None:
    made_by = int((data / "PG_VERSION").read_text())
    if made_by != found.major:
        raise PostgresFailed(
            f"{data} was made by Postgres {made_by}, and here runs {found.version} ({found.folder})."
            " Forget the local data (`make reset`), or install that version."
        )


def _launch_on_free_port(
    found: Binaries,
    data: Path,
    log: Path,
    durable: bool,
    lock: TextIOWrapper,
    free_port: Callable[[], int],
) -> Postgres:
    """On another one where somebody took the first between our look at it and Postgres' own."""
    for _ in range(5):
        try:
            return _launch(found, data, free_port(), log, durable, lock)
        except PostgresFailed as error:
            if _TAKEN not in str(error):
                raise
            taken = error
    raise taken


def _launch(
    found: Binaries, data: Path, port: int, log: Path, durable: bool, lock: TextIOWrapper
) -> Postgres:
    socket_dir = private_folder(socket_folder(data))
    settings = {
        "listen_addresses": LOOPBACK,
        "port": str(port),
        "unix_socket_directories": str(socket_dir),
        "max_connections": "100",
        "log_timezone": "UTC",
        "timezone": "UTC",
    } | (
        {} if durable else {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
    )
    options = [f"--{name}={value}" for name, value in settings.items()]
    child = spawn(
        [found.folder / "postgres", "-D", data, *options], log, "INT", _ENVIRONMENT
    )  # INT: fast shutdown
    try:
        _wait_until_ready(child, data, port, log)
    except BaseException:
        child.stop()
        shutil.rmtree(socket_dir, ignore_errors=True)
        raise
    return Postgres(port, socket_dir, data, found.version, found.folder, child, lock)


def _wait_until_ready(child: Child, data: Path, port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while not _ready(child, data):
        if child.process.poll() is not None or time.monotonic() > deadline:
            last = log.read_text(errors="replace").strip().splitlines()[-5:]
            raise PostgresFailed(
                f"Postgres did not start on port {port}. The end of {log}:\n"
                + "\n".join(last)
                + "\n`make up` tries again."
            )
        time.sleep(0.02)


def _ready(child: Child, data: Path) -> bool:
    """Line 8 of postmaster.pid is the server's state; line 1 tells that it is this server's file."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(child.pid) and lines[7].strip() == "ready"


def _free_port() -> int:
    """Below those that the kernel gives to outgoing connections (32768 and up on Linux): one of these could take it before Postgres does."""
    for port in random.sample(range(10000, 32768), 200):
        with socket.socket() as probe, suppress(OSError):
            probe.bind((LOOPBACK, port))
            return port
    raise PostgresFailed(
        "No free port between 10000 and 32767 on 127.0.0.1. End what listens there."
    )
