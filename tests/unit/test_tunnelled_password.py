"""`make migrate TUNNEL=…` against a foreign server on its port: the password must not be sent."""

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from yoyo.connections import parse_uri

from atrium.stores.postgres import DatabaseUnavailableError
from migrate.connection import CLEARTEXT, MD5, connect

SALT = b"salt"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


def _ask(server: socket.socket, kind: int) -> bytes:
    """Request the password without TLS.

    Return everything that follows until the client hangs up.
    """
    with server.accept()[0] as peer:
        peer.settimeout(60)
        _read(peer)
        peer.sendall(b"N")
        _read(peer)
        request = struct.pack("!i", kind) + (SALT if kind == MD5 else b"")
        peer.sendall(b"R" + struct.pack("!i", 4 + len(request)) + request)
        return b"".join(iter(lambda: peer.recv(1024), b""))


def _read(peer: socket.socket) -> None:
    """Return a message without a type, such as the first one of a connection."""
    [length] = struct.unpack("!i", peer.recv(4, socket.MSG_WAITALL))
    peer.recv(length - 4, socket.MSG_WAITALL)


@pytest.mark.parametrize("kind", [CLEARTEXT, MD5])
def test_a_server_that_requests_the_plain_password_does_not_get_it(
    listening: socket.socket, kind: int
) -> None:
    uri = f"postgresql+pg8000://migrator:secret@localhost:{listening.getsockname()[1]}/atrium?sslmode=disable"
    with ThreadPoolExecutor(1) as thread:
        heard: Future[bytes] = thread.submit(_ask, listening, kind)
        with pytest.raises(DatabaseUnavailableError, match="asks for the password"):
            connect(parse_uri(uri))
        assert heard.result(timeout=60) in (
            b"",
            b"X\x00\x00\x00\x04",
        )  # nothing, or pg8000's Terminate message
