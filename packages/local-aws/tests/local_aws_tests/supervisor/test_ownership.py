"""Ownership of stacks: a command finds only the stack of its own state folder.

The supervisors here are processes with only the command line of one.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from local_aws.settings import LOOPBACK, Program, Settings
from local_aws.supervisor import ports, process, ready
from local_aws.supervisor.process import Launch
from local_aws.supervisor.ready import COMMAND, Running, StackError


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    root = tmp_path / "a checkout, ünïcode"
    (root / ".local").mkdir(parents=True)
    return Settings(root, api_port=17000, aws_port=17001, program=Program("make", "ATRIUM"))


@pytest.fixture
def pid(settings: Settings) -> Iterator[int]:
    """Start a supervisor of `settings` with its ready file. Return its pid."""
    options = process._arguments(settings, Launch(Path("runtime")))
    waits = [sys.executable, "-c", "print(flush=True); input()", *COMMAND, *options]
    with subprocess.Popen(
        waits, cwd=settings.root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as supervisor:
        assert supervisor.stdout
        supervisor.stdout.readline()  # now the process has its command line
        found = Running(supervisor.pid, 17000, 17001, 1, "17", "none", False, "")
        ready.write_ready(settings, found)
        yield supervisor.pid
        supervisor.kill()


def at(root: Path, state: str = ".local") -> Settings:
    return Settings(root, state, program=Program("make", "ATRIUM"))


def test_a_stack_is_found_by_its_state_folder_alone(settings: Settings, pid: int) -> None:
    found = ready.running(at(settings.root))
    assert found is not None
    assert found.pid == pid
    assert ports.of_running(at(settings.root)).aws_endpoint_url == f"http://{LOOPBACK}:17001"


def test_a_stack_is_found_through_a_link_to_the_checkout(
    settings: Settings, pid: int, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to(settings.root)
    assert ready.running(at(tmp_path / "link"))


def test_a_stack_is_found_after_a_move_of_the_checkout(
    settings: Settings, pid: int, tmp_path: Path
) -> None:
    settings.root.rename(tmp_path / "moved")
    assert ready.running(at(tmp_path / "moved"))


def test_a_copy_of_the_checkout_has_no_stack(settings: Settings, pid: int, tmp_path: Path) -> None:
    """Check this, because a stop in the copy would otherwise stop the original's stack."""
    shutil.copytree(settings.root, tmp_path / "copy")
    assert ready.running(at(tmp_path / "copy")) is None
    assert not process.stop(at(tmp_path / "copy"))
    assert ready.is_alive(pid)


def test_a_copy_of_the_state_folder_has_no_stack(settings: Settings, pid: int) -> None:
    shutil.copytree(settings.state, settings.root / ".local-two")
    assert ready.running(at(settings.root, ".local-two")) is None


def test_another_program_with_the_same_pid_is_not_the_supervisor(settings: Settings) -> None:
    found = Running(os.getpid(), 17000, 17001, 1, "17", "none", False, "")
    ready.write_ready(settings, found)
    assert ready.running(settings) is None


def test_a_port_in_use_names_the_checkout_that_uses_it(
    settings: Settings, pid: int, tmp_path: Path
) -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        taken = Settings(tmp_path / "other", api_port=port, aws_port=17001)
        with pytest.raises(StackError, match=f"Port {port} on {LOOPBACK} is taken. Stop"):
            process.start(taken, Launch(Path("runtime")))
    told = process._by_whom(at(tmp_path), 17001)
    assert f"the stack of {settings.root} (pid {pid}" in told
    assert "there, `ATRIUM_STATE=.local make down`" in told
    assert "by the stack in .local " in process._by_whom(at(settings.root, ".local-two"), 17001)


def test_the_ports_of_the_last_start_are_remembered(settings: Settings) -> None:
    assert ports.asked_for(at(settings.root), None, None).api_port == Settings.api_port
    ports.remembered_file(settings).write_text(json.dumps({"api": 17000, "aws": 17001}))
    assert ports.asked_for(at(settings.root), None, None) == settings
    assert ports.asked_for(at(settings.root), 18000, None).api_port == 18000
    # as written by an older release
    ports.remembered_file(settings).write_text(json.dumps({"postgres": 1}))
    assert ports.asked_for(at(settings.root), None, None).api_port == Settings.api_port


def test_an_incomplete_ready_file_is_ignored(settings: Settings, pid: int) -> None:
    found = ready.running(settings)
    assert found is not None
    (settings.state / "supervisor.json").write_text(json.dumps(asdict(found))[:-5])
    assert ready.running(settings) is None
