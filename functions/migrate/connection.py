"""The DB-API connection for yoyo: through RDS Proxy with an IAM token, or with a password.

    postgresql+pg8000://migrator@<proxy>:5432/atrium                       an IAM token, as the function connects
    postgresql+pg8000://migrator:<password>@<host>:<port>/atrium?<options>  a password, as an operator through a tunnel

Options are libpq's own: `hostaddr` (the address to connect to, if it differs from the host in the
certificate), `sslmode` (disable, require or verify-full, the default) and `sslrootcert`.
https://www.postgresql.org/docs/17/libpq-connect.html
"""

import ssl
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pg8000 import dbapi
from pg8000.converters import datetime_out
from yoyo.connections import DatabaseURI

from atrium.runtime.config import required
from atrium.stores import postgres
from atrium.stores.pipeline import InterfaceError, PipelinedConnection, ServerError, open_socket
from atrium.stores.postgres import DatabaseUnavailableError

SCHEME = "postgresql+pg8000"
CLEARTEXT, MD5 = 3, 5
"""Authentication requests: https://www.postgresql.org/docs/17/protocol-message-formats.html"""
ANSWER_TIMEOUT = 850.0
"""Seconds, just over migrator's `statement_timeout` and less than the function's timeout."""


class Connection(PipelinedConnection, dbapi.Connection):  # type: ignore[misc]  # pg8000 is untyped
    """A connection whose statements are one round trip each, so autocommit is safe behind a pooler."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.autocommit = True  # yoyo writes BEGIN and COMMIT itself
        self.register_out_adapter(
            datetime, datetime_out
        )  # yoyo's tables have times without a time zone


class ScramConnection(Connection):
    """A connection that never sends the password, as libpq's `require_auth=scram-sha-256`."""

    def handle_AUTHENTICATION_REQUEST(self, data: bytes, context: Any) -> None:  # noqa: N802  pg8000's name
        if int.from_bytes(data[:4]) in (CLEARTEXT, MD5):
            raise InterfaceError(
                "the server asks for the password in clear text or MD5, and it was not sent. "
                "Another program may be listening there: open the tunnel again on another port."
            )
        super().handle_AUTHENTICATION_REQUEST(data, context)


def proxy_uri(user: str) -> str:
    """Return the URI of the proxy in this function's environment."""
    return f"{SCHEME}://{user}@{required('DB_HOST')}:{required('DB_PORT')}/{required('DB_NAME')}"


def connect(uri: DatabaseURI) -> Connection:
    """Open a connection, which the caller closes. Raises `DatabaseUnavailableError`."""
    if uri.password is None:
        return postgres.connect(uri.username, Connection, ANSWER_TIMEOUT)
    address = uri.args.get("hostaddr", uri.hostname)
    tls = _tls(uri.args)
    try:
        sock = open_socket(address, uri.port, postgres.CONNECT_TIMEOUT)
    except OSError as error:
        raise DatabaseUnavailableError(f"No connection to {address}:{uri.port}: {error}") from error
    try:
        sock.settimeout(ANSWER_TIMEOUT)
        return ScramConnection(
            uri.username,
            host=uri.hostname,
            port=uri.port,
            database=uri.database,
            password=uri.password,
            ssl_context=tls,
            sock=sock,
        )
    except (ServerError, InterfaceError, OSError) as error:
        sock.close()
        raise DatabaseUnavailableError(
            f"{address}:{uri.port} refused {uri.username}: {error}"
        ) from error


def _tls(options: Mapping[str, str]) -> ssl.SSLContext | None:
    mode = options.get("sslmode", "verify-full")
    if mode == "disable":
        return None
    context = ssl.create_default_context(cafile=options.get("sslrootcert"))
    if mode == "require":  # encrypted; SCRAM proves that the server knows the verifier
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif mode != "verify-full":
        raise ValueError(f"sslmode: {mode!r} must be disable, require or verify-full.")
    return context
