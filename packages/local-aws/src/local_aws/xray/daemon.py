"""The X-Ray daemon's stand-in: what functions send over UDP on loopback is kept, and nothing leaves the laptop.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-daemon
"""

import asyncio
import json
import logging

from local_aws.settings import LOOPBACK
from local_aws.xray.traces import Traces

log = logging.getLogger("local_aws.xray")


class Daemon:
    """Between `start` and `close`, `address` is what `AWS_XRAY_DAEMON_ADDRESS` says."""

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
                raise ValueError(f"its header is {header!r}")
            if not self._traces.put(json.loads(body)):
                log.info(
                    "a segment of a trace that no permitted, sampled invocation began is dropped"
                )
        except (ValueError, KeyError, TypeError) as error:
            log.warning("a segment that cannot be read is dropped: %s", error)
