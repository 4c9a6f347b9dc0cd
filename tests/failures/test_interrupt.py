"""Ctrl-C in each phase of `make up`: no traceback, no leftover process, and the next `make up`
works.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from local_aws_tests.support.waiting import settle
from tests.failures.conftest import AddRow, Recovers
from tests.failures.stack import CompletedCommand, Stack
from tools.laptop.client import Client

TRIES = 5  # a phase may end before our signal arrives


def in_build(stack: Stack, client: Client) -> CompletedCommand:
    stack.make("down")
    command = stack.start("up")
    assert settle((stack.state / "command.json").exists, 30)
    return command.interrupt()


def in_local_aws(stack: Stack, client: Client) -> CompletedCommand:
    stack.make("down")
    command = stack.start("up")
    command.until("✓ build")
    assert settle(lambda: any(" serve" in line for line in stack.processes().values()), 30)
    return command.interrupt()


def in_terraform_init(stack: Stack, client: Client) -> CompletedCommand:
    stack.be_up()
    shutil.rmtree(
        stack.state / "terraform" / "envs" / "dev" / ".terraform", ignore_errors=True
    )  # otherwise there is nothing to do
    command = stack.start("up")
    command.until("✓ local AWS")
    settle(lambda: bool(stack.running("terraform")), 10)
    return command.interrupt()


def in_terraform_apply(stack: Stack, client: Client) -> CompletedCommand:
    stack.be_up()
    stack.change_a_resource(client)
    command = stack.start("up")
    assert settle((stack.state / "terraform" / "dev.applying").exists, 60)
    return command.interrupt()


def in_release(stack: Stack, client: Client) -> CompletedCommand:
    return _while_it_waits_for("migrate", stack, "✓ terraform apply")


def in_admin(stack: Stack, client: Client) -> CompletedCommand:
    return _while_it_waits_for("pre_token_generation", stack, "✓ release")


def _while_it_waits_for(function: str, stack: Stack, after: str) -> CompletedCommand:
    """Stop the function that the phase calls, so that the phase does not end before the signal."""
    stack.be_up()
    if not stack.workers(function):
        stack.up()
    workers = stack.workers(function)
    assert workers
    _signal(workers, signal.SIGSTOP)
    try:
        command = stack.start("up")
        command.until(after)
        time.sleep(
            0.5
        )  # Wait until the phase has begun; it lasts as long as the function is stopped.
        return command.interrupt()
    finally:
        _signal(workers, signal.SIGCONT)


def _signal(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


PHASES: dict[str, Callable[[Stack, Client], CompletedCommand]] = {
    "build": in_build,
    "local AWS": in_local_aws,
    "terraform init": in_terraform_init,
    "terraform apply": in_terraform_apply,
    "release": in_release,
    "admin": in_admin,
}


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c_ends_a_phase_cleanly(
    phase: str, stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    for _ in range(TRIES):
        ended = PHASES[phase](stack, client)
        if f"✗ {phase}" in ended.output:
            break
    assert f"✗ {phase}" in ended.output
    assert ended.code in (-2, 2, 130), (
        ended.output
    )  # SIGINT may end make itself, or make reports our 130
    assert "Traceback" not in ended.output
    assert "interrupted." in ended.message
    assert "`make up` continues from here" in ended.message
    if phase in ("build", "local AWS"):
        assert not stack.strays()
    assert settle(lambda: not stack.running("terraform"), 30)
    add_row(f"Ctrl-C in {phase}", ended.message, recovers())
