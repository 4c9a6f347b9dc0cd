"""SQL for services: `query` and `batch`, one network round trip each, through RDS Proxy over TLS.

    [(email,)] = query("SELECT email FROM users WHERE uid = :uid::uuid", uid=uid)

Connections use an IAM token. Rows hold Python values (UUID, aware UTC datetimes, jsonb as dicts and
lists). As parameters, a dict is jsonb and a list is an array; pass a jsonb list as JSON text.
Session state (SET, LISTEN, advisory locks, temporary tables, PREPARE) is forbidden, because the
proxy may give each round trip another server connection.
"""

import functools
import ssl
import threading
from typing import NamedTuple

from atrium.runtime.config import required
from atrium.stores import ca_bundle, rds_token
from atrium.stores.pipeline import (
    InterfaceError,
    PipelinedConnection,
    Row,
    ServerError,
    Statement,
    open_socket,
)

__all__ = [
    "DatabaseBusyError",
    "DatabaseError",
    "DatabaseUnavailableError",
    "Row",
    "Statement",
    "UniqueViolationError",
    "batch",
    "connect",
    "disconnect",
    "query",
]

CONNECT_TIMEOUT = 3.0
"""Seconds to reach the proxy."""
ANSWER_TIMEOUT = 8.0
"""Seconds to wait for the server, more than role `app`'s `statement_timeout`, which ends first."""

round_trips = 0
"""The number of network round trips by this process, without those that open connections."""

_BUSY = (
    "55P03",
    "57014",
    "40001",
    "40P01",
)  # lock timeout, statement timeout, serialisation failure, deadlock

_lock = threading.Lock()
_connections: dict[str, PipelinedConnection] = {}


class DatabaseError(Exception):
    """The server rejected a statement, and the round trip was rolled back. `code` is the SQLSTATE.

    `statement` is the failed one, counted from 0; the last one if the commit failed.
    """

    def __init__(
        self, code: str, message: str, constraint: str | None = None, statement: int | None = None
    ) -> None:
        super().__init__(f"{message} (SQLSTATE {code})")
        self.code = code
        self.message = message
        self.constraint = constraint
        self.statement = statement


class UniqueViolationError(DatabaseError):
    """SQLSTATE 23505; `constraint` names the constraint or index."""


class DatabaseBusyError(DatabaseError):
    """A timeout or a conflict with another transaction. The same round trip may soon succeed."""


class DatabaseUnavailableError(Exception):
    """The database did not respond. It is unknown whether the round trip was committed.

    Repeat only what is idempotent.
    """


_KINDS = {"23505": UniqueViolationError} | dict.fromkeys(_BUSY, DatabaseBusyError)


class _Address(NamedTuple):
    host: str
    port: int
    database: str
    user: str


def query(
    sql: str, *positional: object, user: str | None = None, **parameters: object
) -> list[Row]:
    """Run one statement with named parameters. Raises `DatabaseError`, `DatabaseUnavailableError`.

    `user` is the database user to connect as, by default `DB_USER`. Parameters can also be
    positional, for `$1`, `$2`.
    """
    if positional and parameters:
        raise TypeError("Pass the parameters either by name or by position.")
    return batch(Statement(sql, positional or parameters), user=user)[0]


def batch(*statements: Statement, user: str | None = None) -> list[list[Row]]:
    """Run the statements atomically in one round trip and return each one's rows.

    Raises like `query`.
    """
    if not statements:
        return []
    user = user or _address().user
    with _lock:
        connection = _warm(user)
        try:
            return _execute(connection, statements)
        except ServerError as error:
            translated = translated_error(error)
            if isinstance(translated, DatabaseUnavailableError):
                _discard(user)
            raise translated from error
        except (InterfaceError, OSError) as error:
            _discard(user)
            raise DatabaseUnavailableError(
                f"The database did not answer {user}: {error}"
            ) from error
        except BaseException:
            _discard(user)
            raise


def connect[C: PipelinedConnection](
    user: str, kind: type[C] = PipelinedConnection, answer_timeout: float = ANSWER_TIMEOUT
) -> C:
    """Open a connection as `user`, which the caller closes. Raises `DatabaseUnavailableError`.

    Services use `query`.
    """
    host, port, database, _ = _address()
    try:
        sock = open_socket(host, port, CONNECT_TIMEOUT)
    except OSError as error:
        raise DatabaseUnavailableError(f"No connection to {host}:{port}: {error}") from error
    try:
        sock.settimeout(answer_timeout)
        password = rds_token.mint(host, port, user)
        return kind(
            user,
            host=host,
            port=port,
            database=database,
            password=password,
            ssl_context=_tls(),
            sock=sock,
        )
    except (ServerError, InterfaceError, OSError) as error:
        sock.close()
        raise DatabaseUnavailableError(f"{host}:{port} refused {user}: {error}") from error
    except BaseException:  # such as DeadlineExceededError
        sock.close()
        raise


def disconnect() -> None:
    """Close the warm connections, for tests and before a snapshot.

    The next round trip opens a new one.
    """
    with _lock:
        for user in list(_connections):
            _discard(user)


def _execute(connection: PipelinedConnection, statements: tuple[Statement, ...]) -> list[list[Row]]:
    global round_trips
    round_trips += 1
    rows = connection.execute(statements)
    if not connection.is_idle():
        raise ValueError(
            "A round trip may not leave a transaction open; pass the statements to batch() without BEGIN."
        )
    return rows


def _warm(user: str) -> PipelinedConnection:
    """Return the connection of this process. Replace one that died while idle and unused."""
    connection = _connections.get(user)
    if connection is not None and connection.is_stale():
        _discard(user)
        connection = None
    if connection is None:
        connection = _connections[user] = connect(user)
    return connection


def _discard(user: str) -> None:
    connection = _connections.pop(user, None)
    if connection is not None:
        connection.close()


def _address() -> _Address:
    return _Address(
        required("DB_HOST"), int(required("DB_PORT")), required("DB_NAME"), required("DB_USER")
    )


@functools.cache
def _tls() -> ssl.SSLContext:
    """Verify the proxy's certificate and name against Amazon's authorities or `SSL_CERT_FILE`."""
    return ssl.create_default_context(cafile=ca_bundle.bundle("SSL_CERT_FILE"))


def translated_error(error: ServerError) -> DatabaseError | DatabaseUnavailableError:
    fields = error.args[0]
    code, message, constraint = fields["C"], fields["M"], fields.get("n")
    if (
        code.startswith(("08", "57P")) or code == "53300"
    ):  # connection lost, shutting down, too many connections
        return DatabaseUnavailableError(f"{message} (SQLSTATE {code})")
    return _KINDS.get(code, DatabaseError)(code, message, constraint, fields.get("statement"))
