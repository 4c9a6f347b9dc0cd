"""Listening sockets of the supervisor and all its processes: only on loopback."""

from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

import psutil

from local_aws.supervisor import ready as supervisor
from tools.deploy import stack_settings


def test_only_loopback_is_bound() -> None:
    running = supervisor.running(stack_settings.from_environment())
    assert running
    bound = set(listening(running.pid))
    assert {running.api_port, running.aws_port, running.postgres_port} <= {
        port for _, port in bound
    }
    assert {
        (address, port) for address, port in bound if not ip_address(address).is_loopback
    } == set()


def listening(pid: int) -> Iterator[tuple[str, int]]:
    """Yield the addresses of a process and of its descendants."""
    root = psutil.Process(pid)
    for process in (root, *root.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for each in process.net_connections("tcp"):
                if each.status == psutil.CONN_LISTEN:
                    yield each.laddr.ip, each.laddr.port
