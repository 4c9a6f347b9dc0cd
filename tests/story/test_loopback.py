"""Only loopback is bound: what the supervisor and everything it started listens on, as the kernel lists it."""

import sys
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from tools.deploy import stack_settings, supervisor

LISTENS = "0A"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_only_loopback_is_bound() -> None:
    running = supervisor.running(stack_settings.from_environment())
    assert running
    family = descendants(running.pid)
    sockets = {inode for pid in family for inode in inodes(pid)}
    bound = {(address, port) for inode, address, port in listening() if inode in sockets}
    ports = {port for _, port in bound}
    assert {running.api_port, running.aws_port, running.postgres_port} <= ports
    assert {(address, port) for address, port in bound if not address.is_loopback} == set()


def descendants(pid: int) -> set[int]:
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:  # it ended meanwhile
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = set[int](), [pid]
    while waiting:
        found.add(one := waiting.pop())
        waiting += children.get(one, [])
    return found


def inodes(pid: int) -> set[str]:
    try:
        links = [str(file.readlink()) for file in Path(f"/proc/{pid}/fd").iterdir()]
    except OSError:
        return set()
    return {link[len("socket:[") : -1] for link in links if link.startswith("socket:[")}


def listening() -> list[tuple[str, IPv4Address | IPv6Address, int]]:
    """Inode, address and port; an address is written as the machine's own 32-bit words."""
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            local, state, inode = (line.split()[n] for n in (1, 3, 9))
            text, _, port = local.partition(":")
            words = [
                bytes.fromhex(text[n : n + 8])[:: 1 if sys.byteorder == "big" else -1] for n in range(0, len(text), 8)
            ]
            address = b"".join(words)
            if state == LISTENS:
                found.append((inode, IPv4Address(address) if table == "tcp" else IPv6Address(address), int(port, 16)))
    return found
