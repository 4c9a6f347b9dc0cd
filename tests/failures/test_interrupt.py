"""Ctrl-C in each phase of `make up`: no traceback, nothing left that is not wanted, and the next `make up` goes on."""

import shutil
from collections.abc import Callable

import pytest

from tests.failures.stack import Stack, settle

PHASES = {  # phase to the line before which it begins
    "build": None,
    "local AWS": "✓ build",
    "terraform init": "✓ local AWS",
    "terraform apply": "✓ terraform init",
    "release": "✓ terraform apply",
    "admin": "✓ release",
}


@pytest.mark.parametrize("phase", PHASES)
def test_ctrl_c(phase: str, stack: Stack, tell: Callable[[str, str, str], None]) -> None:
    if phase in ("build", "local AWS"):
        stack.make("down")
    if phase == "terraform init":  # else it has nothing to do
        shutil.rmtree(stack.state / "terraform" / "envs" / "dev" / ".terraform")
    command = stack.start("up")
    if line := PHASES[phase]:
        command.until(line)
    else:
        assert settle((stack.state / "command.json").exists, 10)
    ended = command.interrupt()
    assert ended.code in (-2, 2, 130), ended.output  # make's own end by SIGINT, or its report of our 130
    assert "Traceback" not in ended.output
    assert "interrupted." in ended.message
    assert "`make up` goes on from here" in ended.message
    assert "✓ health" not in ended.output, "it was over before"
    if phase in ("build", "local AWS"):
        assert not stack.strays()
    assert not [command for command in stack.processes().values() if "terraform" in command]
    tell(f"Ctrl-C in {phase}", ended.message, "the next row's")


def test_the_next_make_up_works(
    stack: Stack, recovers: Callable[[], str], tell: Callable[[str, str, str], None]
) -> None:
    tell("after all of these", "", recovers())
