"""Network round trips of one statement with a parameter, by driver, to a real Postgres."""

import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from bench.comparison.rows import Row
from bench.peers.stacks import STACKS
from local_aws.database.postgres import SUPERUSER, running
from local_aws.settings import LOOPBACK
from tools import ROOT

_STATEMENT = "SELECT email FROM (VALUES ('ada@example.org')) AS users (email) WHERE email = "
_ATRIUM = f"""
from atrium.stores.pipeline import PipelinedConnection, Statement
connection = PipelinedConnection(user, host=host, port=port, database="bench", ssl_context=False)
for _ in range(count):
    connection.execute([Statement({_STATEMENT!r} + ":email", {{"email": "ada@example.org"}})])
"""
_PG8000 = f"""
import pg8000.native
connection = pg8000.native.Connection(user, host=host, port=port, database="bench", ssl_context=False)
for _ in range(count):
    connection.run({_STATEMENT!r} + ":email", email="ada@example.org")
"""
_PSYCOPG = f"""
import psycopg
connection = psycopg.connect(
    user=user, host=host, port=port, dbname="bench", sslmode="disable", gssencmode="disable",
    autocommit=True, prepare_threshold=None)
for _ in range(count):
    connection.execute({_STATEMENT!r} + "%s", ("ada@example.org",))
"""


class _Counter:
    """A TCP proxy that counts how often the client sends after the server has."""

    def __init__(self, target: str) -> None:
        self.trips = 0
        self._target = target
        self._last = ""
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._target)
                for side, source, target in (
                    ("client", client, server),
                    ("server", server, client),
                ):
                    threading.Thread(
                        target=self._copy, args=(side, source, target), daemon=True
                    ).start()

    def _copy(self, side: str, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if side == "client" and self._last != "client":
                    self.trips += 1
                self._last = side
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


def rows() -> Iterator[Row]:
    packages = next(stack.folder for stack in STACKS if stack.name == "powertools") / "python"
    with _database() as socket_file:
        ours = _of_statement(_ATRIUM, [ROOT / "functions"], socket_file)
        for peer, program, path in (
            ("pg8000", _PG8000, []),
            ("psycopg 3", _PSYCOPG, [packages]),
        ):
            theirs = _of_statement(program, path, socket_file)
            yield Row(
                group="Round trips to Postgres", what="a statement with a parameter", unit="trips",
                ours=ours, peer=peer, theirs=theirs, at_most=1,
            )  # fmt: skip


@contextmanager
def _database() -> Iterator[str]:
    with (
        tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder,
        running(Path(folder) / "data", database="bench") as server,
    ):
        yield server.socket


def _of_statement(program: str, path: list[Path], socket_file: str) -> int:
    """Return the round trips that a second statement adds to a connection."""
    one, two = (_of_program(program, count, path, socket_file) for count in (1, 2))
    return two - one


def _of_program(program: str, count: int, path: list[Path], socket_file: str) -> int:
    counter = _Counter(socket_file)
    given = f"user, host, port, count = {SUPERUSER!r}, {LOOPBACK!r}, {counter.port}, {count}\n"
    subprocess.run(
        [sys.executable, "-c", given + program],
        env={"PYTHONPATH": ":".join(map(str, path))},
        check=True,
    )
    counter.close()
    return counter.trips
