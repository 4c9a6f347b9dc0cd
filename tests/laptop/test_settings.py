"""A wrong setting is named before anything runs; `make reset` can only ever delete a folder made for a stack."""

import pytest

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
    for name in ("ATRIUM_STATE", "API_PORT", "AWS_PORT"):
        monkeypatch.setenv(name, "")
    settings = stack_settings.from_environment()
    assert settings.state == settings.root / ".local"
    assert (settings.api_port, settings.aws_port) == (3000, 4566)


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none_is_named(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PORT", port)
    with pytest.raises(SystemExit, match="AWS_PORT"):
        stack_settings.from_environment()
