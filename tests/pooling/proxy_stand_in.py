"""A stand-in for RDS Proxy: TLS, an IAM token as a cleartext password, then a relay to the pooler."""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from local_aws.settings import LOOPBACK

SSL_REQUEST = struct.pack("!ii", 8, 80877103)
CLEARTEXT_PASSWORD = b"R" + struct.pack("!ii", 8, 3)


@dataclass
class ProxyStandIn:
    """A TLS server before the pooler. It records clients' messages and can close connections."""

    tls: ssl.SSLContext
    behind: str  # the pooler's unix socket
    accepts: Callable[[str, str], bool]  # (user, token)
    latency: float = 0.0  # seconds, added to each chunk in either direction
    sent: bytes = b""
    connections: int = 0
    _clients: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def cut(self) -> None:
        """Close all client connections, as a failover or an idle timeout does."""
        for client in self._clients:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self._clients.clear()

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _listen(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._greet, args=(client,), daemon=True).start()

    def _greet(self, raw: socket.socket) -> None:
        with suppress(OSError), raw:
            if raw.recv(8) != SSL_REQUEST:
                return
            raw.sendall(b"S")
            with self.tls.wrap_socket(raw, server_side=True) as client:
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                startup = _sized(client)
                client.sendall(CLEARTEXT_PASSWORD)
                client.recv(1)
                token = _sized(client)[4:-1].decode()
                user = startup[8:].split(b"\0")[1].decode()
                if self.accepts(user, token):
                    self._relay(client, startup)

    def _relay(self, client: ssl.SSLSocket, startup: bytes) -> None:
        self.connections += 1
        self._clients.append(client)
        with socket.socket(socket.AF_UNIX) as pooler:
            pooler.connect(self.behind)
            pooler.sendall(startup)
            back = threading.Thread(target=self._pump, args=(pooler, client, False), daemon=True)
            back.start()
            self._pump(client, pooler, True)
            back.join()

    def _pump(self, source: socket.socket, target: socket.socket, record: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(65536):
                if self.latency:
                    time.sleep(self.latency)
                if record:
                    self.sent += chunk
                target.sendall(chunk)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _sized(client: socket.socket) -> bytes:
    """Return a message that consists of its length, which counts itself, and the body."""
    size = client.recv(4)
    body = b""
    while len(body) < int.from_bytes(size) - 4:
        body += client.recv(65536)
    return size + body
