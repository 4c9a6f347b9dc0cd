"""Free ports of this machine."""

import random
import socket
from pathlib import Path

from local_aws.settings import LOOPBACK

_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_ports() -> tuple[int, int]:
    """Return two free ports below the ephemeral range.

    Outgoing connections cannot take them, so they stay free while their servers are down.
    """
    first_outgoing = int(_OUTGOING.read_text().split()[0]) if _OUTGOING.exists() else 32768
    candidates = random.sample(range(10000, max(first_outgoing, 11000)), 200)
    free = (port for port in candidates if is_free(port))
    return next(free), next(free)


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
