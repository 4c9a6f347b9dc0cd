"""Invalid settings, which are reported before a command runs.

`make reset` can only delete a folder made for a stack.
"""

import sys
from pathlib import Path

import pytest

from local_aws.callers_environment import forget_aws
from local_aws.supervisor.ready import Running
from tools.deploy import stack_settings
from tools.laptop import __main__ as laptop


@pytest.mark.parametrize(
    "name", [".", "..", "functions", "/etc", ".local/../functions", ".localx/y"]
)
def test_a_state_folder_that_could_hold_something_else_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATRIUM_STATE", name)
    with pytest.raises(SystemExit, match="ATRIUM_STATE"):
        stack_settings.from_environment()


def test_an_empty_setting_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check this, because make exports unset variables as empty ones."""
    for name in ("API_PORT", "AWS_PORT"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("ATRIUM_STATE", ".local-nowhere")
    settings = stack_settings.from_environment()
    assert settings.state == settings.root / ".local-nowhere"
    assert (settings.api_port, settings.aws_port) == (3000, 4566)
    monkeypatch.setenv("ATRIUM_STATE", "")
    assert stack_settings.from_environment().state == settings.root / ".local"


def test_a_command_uses_the_ports_of_its_own_stack(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Set the shell's variables to those of another checkout's stack."""
    (tmp_path / ".local").mkdir()
    running = Running(1, 18000, 18001, 1, "17", "none", False, "")
    monkeypatch.setattr(stack_settings, "ROOT", tmp_path)
    monkeypatch.setattr("local_aws.supervisor.ready.running", lambda _: running)
    monkeypatch.setenv("ATRIUM_STATE", "")
    monkeypatch.setenv("API_PORT", "17000")
    assert stack_settings.from_environment().api_port == 18000
    assert stack_settings.asked().api_port == 17000  # the ports that `make up` would use


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_an_invalid_port_is_reported(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", port)
    with pytest.raises(SystemExit, match="AWS_PORT"):
        stack_settings.from_environment()


@pytest.mark.parametrize("name", ["API_PORT", "AWS_PORT", "ATRIUM_STATE"])
def test_a_command_reads_its_settings(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check AWS_PORT, which begins like the SDK's variables, and commands delete those."""
    monkeypatch.setattr(sys, "argv", ["tools.laptop", "status"])
    monkeypatch.setenv(name, "wrong")
    with pytest.raises(SystemExit, match=f"{name}='wrong'"):
        laptop.main()


def test_the_port_remains_when_aws_settings_are_deleted() -> None:
    environment = {"AWS_PORT": "17001", "AWS_PROFILE": "gone", "AWS_REGION": "eu-west-1"}
    forget_aws(environment)
    assert environment["AWS_PORT"] == "17001"
    assert "AWS_PROFILE" not in environment
