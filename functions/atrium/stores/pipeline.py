"""A pg8000 connection that sends one statement or several in one network round trip.

pg8000 sends a parameterised statement as Parse+Sync, Describe+Sync, Bind/Execute+Sync and waits
each time. Besides the latency, every Sync outside a transaction lets a transaction-mode pooler (RDS
Proxy, PgBouncer) assign the server connection to another client. That client overwrites the unnamed
statement, and the rows are wrong. Here everything is sent before ONE Sync. Protocol:
https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY and …-PIPELINING.
"""

import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec

from atrium.runtime import clock, lean_import
from atrium.runtime.clock import Moment
from atrium.runtime.lean_import import LazyModule
from atrium.stores.statement import Statement

# Together these take most of pg8000's start-up. RDS Proxy with IAM never asks for SCRAM.
core: Any = lean_import.load(
    "pg8000.core",
    LazyModule("pg8000.legacy", __version__="unknown"),  # its old interface
    LazyModule("ipaddress"),
    LazyModule("scramp"),
    lean_import.DATES,
    lean_import.METADATA,
)
from pg8000.converters import TIMESTAMPTZ, make_param, make_params  # noqa: E402  (only after pg8000.core)
from pg8000.exceptions import DatabaseError as ServerError  # noqa: E402
from pg8000.exceptions import InterfaceError  # noqa: E402

__all__ = [
    "InterfaceError",
    "PipelinedConnection",
    "Row",
    "ServerError",
    "Statement",
    "open_socket",
]

IDLE_SECONDS = 300.0
"""The longest idle time after which a connection is still trusted.

AWS's NAT and load balancers drop a connection that was silent for 350 s, and a frozen function
cannot keep it alive. The next round trip would meet a reset or time out.
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html
"""

KEEPALIVE_SECONDS = 60

Row = tuple[Any, ...]


class PipelinedConnection(core.CoreConnection):  # type: ignore[misc]  # pg8000 is untyped
    """A server connection, which is not thread-safe.

    Raises pg8000's `DatabaseError` and `InterfaceError`, and `OSError`. It remains usable after
    a `DatabaseError`. After any other error it is out of step and must be closed.
    """

    _used_at: Moment = clock.NEVER
    _usock: Any  # pg8000's socket
    _sock: Any  # the buffered file around it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_in_adapter(TIMESTAMPTZ, _timestamptz)
        self.py_types |= {datetime: _aware, dict: _json, list: self._array, tuple: self._array}

    def execute(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Run the statements atomically: without BEGIN, Postgres commits at the Sync or rolls back.

        All statements are written before any result is read, so keep a batch with large
        results below some hundred kilobytes.
        """
        contexts = self._execute(statements)
        return [[tuple(row) for row in context.rows or ()] for context in contexts]

    def execute_unnamed(
        self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None
    ) -> Any:
        """Run one statement in one round trip, for pg8000's front ends (`native`, `dbapi`)."""
        if stream is not None:
            raise ValueError(
                "COPY takes several round trips; use INSERT … SELECT FROM unnest($1::text[]) instead."
            )
        return self._execute([Statement(statement, tuple(vals))])[0]

    def close(self) -> None:
        """Close the connection at once, without pg8000's Terminate message, which might block.

        `_sock` is a file of `_usock`, and the socket stays open while either is open. An
        exception's traceback can keep them alive.
        """
        if self._usock is not None:
            with suppress(OSError):  # already closed
                self._usock.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):  # its buffer cannot be sent any more
                self._sock.close()
            self._usock.close()
        self._sock = self._usock = None

    def is_stale(self) -> bool:
        """Return True if the peer has closed the connection or it was idle too long.

        A server also announces a shutdown by sending data while the connection is idle.
        """
        if self._usock is None or clock.since(self._used_at) >= IDLE_SECONDS:
            return True
        return bool(select.select([self._usock], [], [], 0)[0])

    def is_idle(self) -> bool:
        """Return False inside a transaction."""
        return bool(self._transaction_status == core.IDLE)

    def _execute(self, statements: Sequence[Statement]) -> list[Any]:
        messages = b"".join(self._messages(statement) for statement in statements) + core.SYNC_MSG
        contexts = [core.Context(statement.sql) for statement in statements]
        self._usock.sendall(messages)
        self._read_answers(contexts)
        self._used_at = clock.now()
        for index, context in enumerate(contexts):
            if context.error is not None:
                context.error.args[0]["statement"] = (
                    index  # beside the server's own fields, whose names are one letter
                )
                raise context.error
        return contexts

    def _messages(self, statement: Statement) -> bytes:
        """Return Parse, Bind, Describe (portal) and Execute.

        All are unnamed, types are inferred, and values and results are text.
        """
        sql, parameters = statement.numbered()
        values = make_params(self.py_types, parameters)
        bind = [core.NULL_BYTE * 2, core.H_pack(0), core.H_pack(len(values))]
        for value in values:
            data = None if value is None else value.encode()
            bind.append(core.i_pack(-1) if data is None else core.i_pack(len(data)) + data)
        bind.append(core.H_pack(0))
        return b"".join(
            (
                core._create_message(
                    core.PARSE, core.NULL_BYTE + sql.encode() + core.NULL_BYTE + core.H_pack(0)
                ),
                core._create_message(core.BIND, b"".join(bind)),
                core._create_message(core.DESCRIBE, core.PORTAL + core.NULL_BYTE),
                core.EXECUTE_MSG,
            )
        )

    def _read_answers(self, contexts: Sequence[Any]) -> None:
        """Read until the server is ready again.

        An error fails its statement and makes the server skip the rest.
        """
        waiting = iter(contexts)
        context = next(waiting)
        code = b""
        while code != core.READY_FOR_QUERY:
            code, length = core.ci_unpack(core._read(self._sock, 5))
            self.message_types[code](core._read(self._sock, length - 4), context)
            if code in (core.COMMAND_COMPLETE, core.EMPTY_QUERY_RESPONSE):
                # A deferred constraint fails at the Sync, so its error belongs to the last
                # statement.
                context = next(waiting, context)

    def _array(self, values: Sequence[object]) -> str:
        """Return an array literal with every element quoted: pg8000 would turn `null` into NULL."""
        return "{" + ",".join(map(self._element, values)) + "}"

    def _element(self, value: object) -> str:
        if value is None:
            return "NULL"
        text: str = make_param(self.py_types, value)
        if isinstance(value, list | tuple):
            return text
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'


def open_socket(host: str, port: int, timeout: float) -> socket.socket:
    """Open a TCP connection without Nagle's delay, with `timeout` in seconds.

    The delay cost 44 ms on every statement over 8 kB. Keep-alive is on, so that the response to
    a long migration still arrives.
    """
    sock = socket.create_connection((host, port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not available on macOS, whose own interval is two hours
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
    return sock


def _timestamptz(text: str) -> datetime:
    """Return a timestamp in UTC; the nearest datetime for `infinity` and years beyond its range.

    An error here would leave the connection out of step, and every reader of the row with a 503.
    """
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        is_early = text.startswith(("-", "0001")) or text.endswith("BC")
        return (datetime.min if is_early else datetime.max).replace(tzinfo=UTC)


def _aware(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone; pass an aware datetime.")
    return moment.isoformat()


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
