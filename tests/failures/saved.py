"""The stopped stack that each process of the failure matrix copies.

It is the stack of `make test`, or else one of its own that is kept between runs.
"""

import fcntl
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from local_aws.database import postgres
from local_aws.supervisor.ports import free_ports
from tests.failures.stack import ROOT, Stack
from tools.checks.stack import TO_COPY

KEPT = (
    "control-plane.snapshot",
    "items.sqlite",
    "keys",
    "outputs.json",
    "ports.json",
    "terraform",
    "tls",
)


@contextmanager
def saved() -> Iterator[Stack]:
    """Return the saved stack: stopped, made by this checkout, and locked for this process."""
    turn = os.open(ROOT / "tests/failures", os.O_RDONLY)
    try:
        fcntl.flock(turn, fcntl.LOCK_EX)
        found = Stack.of(os.environ.get(TO_COPY, ".local-failures"), free_ports())
        if TO_COPY not in os.environ:
            found.make("down")  # of a run that was interrupted, on other ports
            found.up()
        assert found.make("down").code == 0
        yield found
    finally:
        os.close(turn)


def copy(source: Stack, target: Stack) -> None:
    """Copy a stack with the files' owners.

    Postgres's data may lie elsewhere when we run as root.
    """
    target.state.mkdir()
    data, to = (postgres.place(stack.state / "postgres") for stack in (source, target))
    to.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-Rp", *(source.state / name for name in KEPT), target.state], check=True)
    subprocess.run(["cp", "-Rp", data, to], check=True)
