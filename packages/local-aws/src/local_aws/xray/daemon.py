"""A stand-in for the X-Ray daemon: keeps the segments that functions send over UDP on loopback.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
"""

import asyncio
import json
import logging

from local_aws.settings import LOOPBACK
from local_aws.xray.traces import Traces

log = logging.getLogger("local_aws.xray")


class Daemon:
    """A UDP server; between `start` and `close`, `address` is the `AWS_XRAY_DAEMON_ADDRESS`."""

    def __init__(self, traces: Traces) -> None:
        self.traces = traces
        self.address = ""
        self._transport: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(
            lambda: _Receiver(self.traces), (LOOPBACK, 0)
        )
        host, port = self._transport.get_extra_info("sockname")
        self.address = f"{host}:{port}"

    def close(self) -> None:
        if self._transport:
            self._transport.close()


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, traces: Traces) -> None:
        self._traces = traces

    def datagram_received(self, data: bytes, addr: object) -> None:
        header, _, body = data.partition(b"\n")
        try:
            if json.loads(header) != {"format": "json", "version": 1}:
                raise ValueError(f"unexpected header {header!r}")
            if not self._traces.put(json.loads(body)):
                log.info("Dropped a segment whose trace no permitted, sampled invocation began")
        except (ValueError, KeyError, TypeError) as error:
            log.warning("Dropped a segment that cannot be parsed: %s", error)
