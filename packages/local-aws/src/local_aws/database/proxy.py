"""A stand-in for RDS Proxy.

It checks TLS and the IAM token, then relays bytes to a pooled connection.
"""

import asyncio
import contextlib
import logging
import ssl
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple, cast

from local_aws.database import faults, wire
from local_aws.database.refusal import ProxyRefusalError
from local_aws.faults.switch import Dependency, Fault, Faults
from local_aws.settings import LOOPBACK

log = logging.getLogger("local_aws.database.proxy")

_LOGIN_TIMEOUT = 30.0  # seconds for TLS, startup and password
_HELD_LOOK_SECONDS = 0.05
_LONGEST_LOGIN = 64 * 1024  # bytes that a client may send before the login


class Watcher(NamedTuple):
    """Functions that get each piece of the client's and of the server's data after the login."""

    sent: Callable[[bytes], None]
    answered: Callable[[bytes], None] | None = None


# (user, access key that signed the token, time at which the login began) -> the watcher
Watch = Callable[[str, str, float], Watcher]
# (user, password) -> the access key that signed the password, or raises ProxyRefusalError.
Authenticate = Callable[[str, str], str]


@dataclass
class Proxy:
    """A listening stand-in.

    `upstream` may change while it runs; new connections use the new value.
    """

    upstream: str  # path of PgBouncer's or Postgres's unix socket, which trusts us
    authenticate: Authenticate
    context: ssl.SSLContext
    most_connections: int = 500
    watch: Watch | None = None
    faults: Faults = field(default_factory=Faults)
    _server: asyncio.Server | None = None
    _connections: "dict[asyncio.Task[None], Side]" = field(default_factory=dict)

    @property
    def port(self) -> int:
        assert self._server is not None, "start the proxy first"
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def start(self, port: int = 0) -> None:
        """Listen on 127.0.0.1:`port`, or on a free port.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self.faults.on_start(self._end_connections)
        self._server = await loop.create_server(
            lambda: Side(self._accept), LOOPBACK, port, backlog=512
        )

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    def _end_connections(self, fault: Fault) -> None:
        if faults.ends_connections(fault):
            for client in list(self._connections.values()):
                client.transport.abort()

    def _accept(self, client: "Side") -> None:
        connection = asyncio.get_running_loop().create_task(self._serve(client))
        self._connections[connection] = client
        connection.add_done_callback(self._connections.pop)

    async def _serve(self, client: "Side") -> None:
        upstream: Side | None = None
        try:
            async with asyncio.timeout(_LOGIN_TIMEOUT):
                upstream = await self._log_in(client)
            if upstream:
                await client.closed.wait()
        except ProxyRefusalError as refused:
            log.warning("Rejected a login: %s %s", refused.message, refused.detail)
            client.write(wire.fatal(refused.code, refused.message, refused.detail))
        except (OSError, EOFError, TimeoutError) as error:
            log.info("A connection ended during the login: %r", error)
        except Exception:
            log.exception("A connection failed")
        finally:
            client.close()
            if upstream:
                upstream.close()

    async def _log_in(self, client: "Side") -> "Side | None":
        """Return the upstream connection, already joined to the client.

        None after a CancelRequest.
        """
        began = time.perf_counter()
        code, body = await self._startup(client)
        await faults.meet(self.faults, Dependency.PROXY)
        if code == wire.CANCEL_REQUEST:
            await self._cancel(body)
            return None
        if code != wire.PROTOCOL_3:
            raise ProxyRefusalError(
                "0A000",
                f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}",
                "It must be 3.0.",
            )
        user = _user(body)
        if len(self._connections) > self.most_connections:
            raise ProxyRefusalError(
                "53300",
                "too many connections to this RDS Proxy",
                f"At most {self.most_connections}.",
            )
        client.write(wire.CLEARTEXT_PASSWORD)
        access_key = self.authenticate(user, await _password(client))
        await faults.meet(self.faults, Dependency.POSTGRES)
        try:
            upstream = await _connect(self.upstream)
        except OSError as error:
            message = "This RDS Proxy currently has no available target instance."
            raise ProxyRefusalError(
                "08006", message, f"{error}: logs/postgres.log in the state folder says why."
            ) from None
        upstream.write(wire.packet(code, body))  # the upstream sends AuthenticationOk itself
        if self.watch:
            client.shown, upstream.shown = self.watch(user, access_key, began)
        # The proxy's faults delay what the client sends. Postgres's delay the answers, so that a
        # statement may have run although the client did not hear of it.
        client.holds = partial(faults.holds, self.faults, Dependency.PROXY)
        upstream.holds = partial(faults.holds, self.faults, Dependency.POSTGRES)
        join(client, upstream)
        return upstream

    async def _startup(self, client: "Side") -> tuple[int, bytes]:
        """Return the first message that does not negotiate encryption.

        Only a CancelRequest is accepted without TLS.
        """
        encrypted = False
        while True:
            code, body = await _packet(client)
            if code == wire.GSSENC_REQUEST:
                client.write(b"N")
            elif code == wire.SSL_REQUEST and not encrypted:
                await client.start_tls(self.context)
                encrypted = True
            elif encrypted or code == wire.CANCEL_REQUEST:
                return code, body
            else:
                raise ProxyRefusalError(
                    "28000",
                    "This RDS Proxy requires TLS connections",
                    "Connect with sslmode=verify-full.",
                )

    async def _cancel(self, body: bytes) -> None:
        """Forward a CancelRequest.

        PgBouncer knows the key, because it issued it.
        """
        upstream = await _connect(self.upstream)
        upstream.write(wire.packet(wire.CANCEL_REQUEST, body))
        # PgBouncer closes the connection when it has forwarded the request
        await upstream.closed.wait()
        upstream.close()


class Side(asyncio.Protocol):
    """A side of the relay: read by message during the login, then joined to the other.

    A Protocol is cheaper than a pair of streams: once joined, each piece costs one callback and no
    task switch.
    """

    def __init__(self, accepted: "Callable[[Side], None] | None" = None) -> None:
        self.closed = asyncio.Event()
        self.other: Side | None = None
        self.shown: Callable[[bytes], None] | None = (
            None  # receives the data of this side once it is joined
        )
        self.holds: Callable[[], float] = float  # seconds that data of this side must wait
        self._held = bytearray()
        self._held_until = 0.0
        self._accepted = accepted
        self._buffer = bytearray()
        self._news = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has another class
        self.transport = cast("asyncio.Transport", transport)
        if self._accepted:
            self._accepted(self)

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            if self.shown:
                self.shown(data)
            if self._held or (seconds := self.holds()):
                self._hold(data, 0.0 if self._held else seconds)
            else:
                self.other.transport.write(data)
            return
        self._buffer += data
        self._news.set()
        if len(self._buffer) > _LONGEST_LOGIN:
            self.transport.abort()

    def _hold(self, data: bytes, seconds: float) -> None:
        """Hold `data` behind data that is already held, so that the order is kept."""
        if not self._held:
            self._held_until = time.monotonic() + seconds
            asyncio.get_running_loop().call_later(_HELD_LOOK_SECONDS, self._release)
        self._held += data

    def _release(self) -> None:
        if self.holds() and time.monotonic() < self._held_until:
            asyncio.get_running_loop().call_later(_HELD_LOOK_SECONDS, self._release)
            return
        held, self._held = bytes(self._held), bytearray()
        if self.other is not None and not self.closed.is_set():
            self.other.transport.write(held)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set()
        self._news.set()
        if self.other is not None:
            self.other.close()

    def pause_writing(self) -> None:
        if self.other is not None:
            self.other.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None:
            self.other.transport.resume_reading()

    def write(self, data: bytes) -> None:
        self.transport.write(data)

    def close(self) -> None:
        self.transport.close()

    async def read(self, size: int) -> bytes:
        """Read exactly `size` bytes.

        Raises:
            EOFError: the connection ended before.
        """
        while len(self._buffer) < size:
            if self.closed.is_set():
                raise EOFError("the client went away")
            self._news.clear()
            await self._news.wait()
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data

    def unread(self) -> bytes:
        data = bytes(self._buffer)
        self._buffer.clear()
        return data

    async def start_tls(self, context: ssl.SSLContext) -> None:
        self.transport.pause_reading()  # so that the ClientHello waits for its reader
        if self._buffer:  # plaintext that would later count as encrypted: CVE-2021-23214
            raise ProxyRefusalError("08P01", "received unencrypted data after SSL request")
        self.transport.write(b"S")
        loop = asyncio.get_running_loop()
        encrypted = await loop.start_tls(self.transport, self, context, server_side=True)
        assert encrypted is not None
        self.transport = encrypted


def join(client: Side, upstream: Side) -> None:
    """Join two sides: relay data in both directions; when one side closes, close the other."""
    client.other, upstream.other = upstream, client
    for side, other in ((client, upstream), (upstream, client)):
        if early := side.unread():
            if side.shown:
                side.shown(early)
            other.write(early)
        if side.closed.is_set():
            other.close()


async def _connect(path: str) -> Side:
    _, side = await asyncio.get_running_loop().create_unix_connection(Side, path)
    return side


async def _packet(client: Side) -> tuple[int, bytes]:
    length, code = struct.unpack("!II", await client.read(8))
    if not 8 <= length <= wire.LONGEST_STARTUP:
        raise ProxyRefusalError("08P01", "invalid length of startup packet")
    return code, await client.read(length - 8)


async def _password(client: Side) -> str:
    kind, length = struct.unpack("!cI", await client.read(5))
    if kind != b"p" or not 5 <= length <= _LONGEST_LOGIN:
        raise ProxyRefusalError("08P01", "expected a password message")
    with contextlib.suppress(UnicodeDecodeError):
        return (await client.read(length - 4)).rstrip(b"\0").decode()
    raise ProxyRefusalError("28P01", "invalid password encoding")


def _user(body: bytes) -> str:
    try:
        parameters = wire.startup_parameters(body)
    except ValueError as error:
        raise ProxyRefusalError("08P01", f"invalid startup packet: {error}") from None
    if parameters.get("replication", "false") not in ("false", "off", "no", "0"):
        raise ProxyRefusalError("0A000", "RDS Proxy does not support replication connections")
    if not parameters.get("user"):
        raise ProxyRefusalError("28000", "no PostgreSQL user name specified in startup packet")
    return parameters["user"]
