"""The ports of a stack, and free ports of this machine."""

import json
import random
import socket
from dataclasses import replace
from pathlib import Path

from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import ready

_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")


def asked_for(settings: Settings, api_port: int | None, aws_port: int | None) -> Settings:
    """Return the settings with these ports; None stands for that of the last start, if any."""
    last = remembered(settings)
    return replace(
        settings,
        api_port=api_port or last.get("api", settings.api_port),
        aws_port=aws_port or last.get("aws", settings.aws_port),
    )


def of_running(settings: Settings) -> Settings:
    """Return the settings with the ports of the stack in this state folder, if it runs.

    So a command never calls the stack of another checkout, which may have the ports of the shell's
    variables.
    """
    found = ready.running(settings)
    if found is None:
        return settings
    return replace(settings, api_port=found.api_port, aws_port=found.aws_port)


def remembered(settings: Settings) -> dict[str, int]:
    """Return the ports of the last start; empty if there was none."""
    try:
        found: dict[str, int] = json.loads(remembered_file(settings).read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return found


def remembered_file(settings: Settings) -> Path:
    return settings.state / "ports.json"


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
