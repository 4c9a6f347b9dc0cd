"""A wrong setting is named before anything runs; `make reset` can only ever delete a folder made for a stack."""

from pathlib import Path

import pytest

from local_aws.supervisor.ready import Running
from tools.deploy import stack_settings


@pytest.mark.parametrize(
    "name", [".", "..", "functions", "/etc", ".local/../functions", ".localx/y"]
)
def test_a_state_folder_that_could_hold_something_else_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATRIUM_STATE", name)
    with pytest.raises(SystemExit, match="ATRIUM_STATE"):
        stack_settings.from_environment()


def test_an_empty_setting_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """make exports variables that nobody set as empty ones."""
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
    """The shell's variables may be those of another checkout's stack."""
    (tmp_path / ".local").mkdir()
    running = Running(1, 18000, 18001, 1, "17", "none", False, "")
    monkeypatch.setattr(stack_settings, "ROOT", tmp_path)
    monkeypatch.setattr("local_aws.supervisor.ready.running", lambda _: running)
    monkeypatch.setenv("ATRIUM_STATE", "")
    monkeypatch.setenv("API_PORT", "17000")
    assert stack_settings.from_environment().api_port == 18000
    assert stack_settings.asked().api_port == 17000  # what `make up` starts, or refuses


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_named(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", port)
    with pytest.raises(SystemExit, match="AWS_PORT"):
        stack_settings.from_environment()
