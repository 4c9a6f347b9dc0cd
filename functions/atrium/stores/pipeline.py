"""A pg8000 connection that sends a statement, or several, in one network flight.

pg8000 sends a parameterised statement as Parse+Sync, Describe+Sync, Bind/Execute+Sync and waits each time. Besides the
waiting, every Sync outside a transaction lets a transaction-mode pooler (RDS Proxy, PgBouncer) hand the server
connection to somebody else, who overwrites the unnamed statement: wrong rows. Here everything goes before ONE Sync.
Protocol: https://www.postgresql.org/docs/17/protocol-flow.html#PROTOCOL-FLOW-EXT-QUERY and …-PIPELINING.
"""

import select
import socket
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, NamedTuple

import msgspec

from atrium.runtime import clock, lean_import
from atrium.runtime.clock import Moment
from atrium.runtime.lean_import import StandIn

# Together most of pg8000's start-up. SCRAM is what RDS Proxy with IAM never asks for.
core: Any = lean_import.load(
    "pg8000.core", StandIn("scramp"), lean_import.DATES, lean_import.METADATA
)
from pg8000.converters import TIMESTAMPTZ, make_param, make_params  # noqa: E402  (only after pg8000.core)
from pg8000.exceptions import DatabaseError as ServerError  # noqa: E402
from pg8000.exceptions import InterfaceError  # noqa: E402

__all__ = ["InterfaceError", "OneFlight", "Row", "ServerError", "Statement", "open_socket"]

IDLE_SECONDS = 300.0
"""For longer no connection is trusted: AWS's NAT and load balancers forget one that was silent for 350 s, and a frozen
function cannot keep it alive. The next flight would meet a reset, or nobody until it gives up.
https://docs.aws.amazon.com/vpc/latest/userguide/nat-gateway-troubleshooting.html"""

KEEPALIVE_SECONDS = 60

Row = tuple[Any, ...]


class Statement(NamedTuple):
    """SQL with `$1` placeholders, and what to put there. Where Postgres cannot infer the type, write `$1::uuid`."""

    sql: str
    parameters: tuple[object, ...] = ()


class OneFlight(core.CoreConnection):  # type: ignore[misc]  # pg8000 is untyped
    """One server connection, not safe for threads. Raises pg8000's `DatabaseError` and `InterfaceError`, and `OSError`.

    After a `DatabaseError` it can be used again; after anything else it is out of step and must be closed.
    """

    _used_at: Moment = clock.NEVER
    _usock: Any  # pg8000's socket, and
    _sock: Any  # the buffered file over it

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.register_in_adapter(TIMESTAMPTZ, _timestamptz)
        self.py_types |= {datetime: _aware, dict: _json, list: self._array, tuple: self._array}

    def fly(self, statements: Sequence[Statement]) -> list[list[Row]]:
        """Runs the statements atomically: without BEGIN, Postgres commits at the Sync, or undoes all on an error.

        All of it is written before anything is read, so keep a batch with large results under some hundred kilobytes.
        """
        contexts = self._fly(statements)
        return [[tuple(row) for row in context.rows or ()] for context in contexts]

    def execute_unnamed(
        self, statement: str, vals: Any = (), oids: Any = (), stream: Any = None
    ) -> Any:
        """What pg8000's own front ends (`native`, `dbapi`) call; so a subclass of theirs flies once, too."""
        if stream is not None:
            raise ValueError(
                "COPY takes several flights; use INSERT … SELECT FROM unnest($1::text[]) instead."
            )
        return self._fly([Statement(statement, tuple(vals))])[0]

    def close(self) -> None:
        """Hangs up at once, without pg8000's goodbye, which might wait. Its `_sock` is a file of `_usock`'s, and the socket
        stays open while either is; an exception's traceback can keep them alive."""
        if self._usock is not None:
            with suppress(OSError):  # already gone
                self._usock.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):  # what it still held cannot be sent any more
                self._sock.close()
            self._usock.close()
        self._sock = self._usock = None

    def is_stale(self) -> bool:
        """True when the peer has hung up, or spoke while idle, which is how a server announces that it will; and after
        IDLE_SECONDS."""
        if self._usock is None or clock.since(self._used_at) >= IDLE_SECONDS:
            return True
        return bool(select.select([self._usock], [], [], 0)[0])

    def is_idle(self) -> bool:
        """False inside a transaction."""
        return bool(self._transaction_status == core.IDLE)

    def _fly(self, statements: Sequence[Statement]) -> list[Any]:
        flight = b"".join(self._messages(statement) for statement in statements) + core.SYNC_MSG
        contexts = [core.Context(statement.sql) for statement in statements]
        self._usock.sendall(flight)
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
        """Parse, Bind, Describe the portal, Execute; all unnamed, types inferred, values and results as text."""
        sql = statement.sql.encode()
        values = make_params(self.py_types, statement.parameters)
        bind = [core.NULL_BYTE * 2, core.H_pack(0), core.H_pack(len(values))]
        for value in values:
            data = None if value is None else value.encode()
            bind.append(core.i_pack(-1) if data is None else core.i_pack(len(data)) + data)
        bind.append(core.H_pack(0))
        return b"".join(
            (
                core._create_message(
                    core.PARSE, core.NULL_BYTE + sql + core.NULL_BYTE + core.H_pack(0)
                ),
                core._create_message(core.BIND, b"".join(bind)),
                core._create_message(core.DESCRIBE, core.PORTAL + core.NULL_BYTE),
                core.EXECUTE_MSG,
            )
        )

    def _read_answers(self, contexts: Sequence[Any]) -> None:
        """Reads until the server is ready again. An error fails its statement and makes the server skip the rest."""
        waiting = iter(contexts)
        context = next(waiting)
        code = b""
        while code != core.READY_FOR_QUERY:
            code, length = core.ci_unpack(core._read(self._sock, 5))
            self.message_types[code](core._read(self._sock, length - 4), context)
            if code in (core.COMMAND_COMPLETE, core.EMPTY_QUERY_RESPONSE):
                # A deferred constraint fails at the Sync, after the last statement completed: that one takes the error.
                context = next(waiting, context)

    def _array(self, values: Sequence[object]) -> str:
        """An array literal. Everything is quoted, because pg8000's own leaves `null` bare and it arrives as NULL."""
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
    """A TCP connection without Nagle's delay, which cost 44 ms on every statement over 8 kB. `timeout` in seconds.

    It is kept alive while it waits for an answer, as that of a long migration, which would else come to nobody.
    """
    sock = socket.create_connection((host, port), timeout)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if hasattr(socket, "TCP_KEEPIDLE"):  # not on macOS; the system's own is two hours
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_SECONDS)
    return sock


def _timestamptz(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _aware(moment: datetime) -> str:
    if moment.tzinfo is None:
        raise ValueError(
            f"{moment!r} has no time zone, so it names no moment; pass an aware datetime."
        )
    return moment.isoformat()


def _json(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
