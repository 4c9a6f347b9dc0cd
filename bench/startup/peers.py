"""The peers of a measured function: a stand-in for RDS Proxy with one row, and DynamoDB with one user.

TLS, messages and headers are real. The answers are fixed, so that every run has the same number of
instructions.
"""

import json
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from local_aws.database import wire
from local_aws.settings import LOOPBACK

UID = "01890a5d-ac96-774b-bcce-b302099a8057"

_TEXT, _UUID, _TIMESTAMPTZ, _INT8 = 25, 2950, 1184, 20
_MOMENT = "2026-01-01 00:00:00+00"
# (column, oid of its type, value) of the row that `users.profile` reads. The route of one_query
# reads the first four columns.
_ROW = (
    ("uid", _UUID, UID),
    ("email", _TEXT, "ada@example.com"),
    ("given_name", _TEXT, "Ada"),
    ("family_name", _TEXT, "Lovelace"),
    ("locale", _TEXT, "en"),
    ("status", _TEXT, "active"),
    ("created_at", _TIMESTAMPTZ, _MOMENT),
    ("updated_at", _TIMESTAMPTZ, _MOMENT),
    ("version", _INT8, "1"),
)
# The parameters that Postgres 17 behind a pooler reports at login.
_PARAMETERS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "default_transaction_read_only": "off",
    "integer_datetimes": "on",
    "IntervalStyle": "postgres",
    "is_superuser": "off",
    "server_encoding": "UTF8",
    "server_version": "17.11",
    "session_authorization": "app",
    "standard_conforming_strings": "on",
    "TimeZone": "UTC",
}
_READY = b"Z\0\0\0\x05I"

_META = {
    "pk": {"S": f"U#{UID}"},
    "sk": {"S": "META"},
    "status": {"S": "active"},
    "access_epoch": {"N": "1"},
    "version": {"N": "1"},
    "created_at": {"S": "2026-01-01T00:00:00.000Z"},
}
_ANSWERS = {
    "GetItem": {"Item": _META},
    "Query": {"Items": [], "Count": 0, "ScannedCount": 0},
    "UpdateItem": {},
}


@contextmanager
def postgres(tls: ssl.SSLContext) -> Iterator[int]:
    """Yield the port of a server that speaks as RDS Proxy and answers every round trip with one row."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, tls), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@contextmanager
def dynamodb(tls: ssl.SSLContext) -> Iterator[int]:
    """Yield the port of DynamoDB's endpoint over HTTPS."""
    server = ThreadingHTTPServer((LOOPBACK, 0), _DynamoDB)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


class _DynamoDB(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(_ANSWERS[self.headers["X-Amz-Target"].partition(".")[2]]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.0")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("x-amzn-RequestId", "BENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCHBENCH04")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def _accept(listener: socket.socket, tls: ssl.SSLContext) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            threading.Thread(target=_serve, args=(client, tls), daemon=True).start()


def _serve(raw: socket.socket, tls: ssl.SSLContext) -> None:
    with suppress(OSError), raw:
        assert struct.unpack("!II", raw.recv(8, socket.MSG_WAITALL))[1] == wire.SSL_REQUEST
        raw.sendall(b"S")
        with (
            tls.wrap_socket(raw, server_side=True) as encrypted,
            encrypted.makefile("rwb") as client,
        ):
            client.read(_length(client.read(4)))  # StartupMessage
            client.write(wire.CLEARTEXT_PASSWORD)
            client.flush()
            assert client.read(1) == b"p"
            client.read(_length(client.read(4)))
            client.write(_login())
            client.flush()
            while kind := client.read(1):
                client.read(_length(client.read(4)))
                if kind == b"S":
                    client.write(_answer())
                    client.flush()


def _login() -> bytes:
    parameters = b"".join(
        _message(b"S", _text(name) + _text(value)) for name, value in _PARAMETERS.items()
    )
    return (
        _message(b"R", struct.pack("!I", 0))
        + parameters
        + _message(b"K", struct.pack("!II", 7, 7))
        + _READY
    )


def _answer() -> bytes:
    """Return ParseComplete, BindComplete, RowDescription, DataRow, CommandComplete, ReadyForQuery."""
    columns = b"".join(
        _text(name) + struct.pack("!IHIhih", 0, 0, oid, -1, -1, 0) for name, oid, _ in _ROW
    )
    values = b"".join(struct.pack("!I", len(value)) + value.encode() for _, _, value in _ROW)
    count = struct.pack("!H", len(_ROW))
    rows = _message(b"T", count + columns) + _message(b"D", count + values)
    return _message(b"1") + _message(b"2") + rows + _message(b"C", _text("SELECT 1")) + _READY


def _message(kind: bytes, body: bytes = b"") -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _length(counted: bytes) -> int:
    """Return the length field of a message, which includes its own four bytes."""
    return int.from_bytes(counted) - 4
