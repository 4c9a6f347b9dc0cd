"""Discovery of the functions' Python by running it, because a pyenv shim may exist and fail."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools import bootstrap


def interpreter(path: Path, answer: str, code: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho {answer}\nexit {code}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}:/usr/bin:/bin")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.delenv("UV_PYTHON", raising=False)
    return tmp_path


def only_under(folder: Path) -> Callable[[Path], str | None]:
    real = bootstrap.version_of
    return lambda python: real(python) if python.is_relative_to(folder) else None


def test_a_failing_shim_is_skipped(machine: Path) -> None:
    interpreter(machine / "shims" / "python3.13", "not installed", code=127)
    pyenv = interpreter(machine / "pyenv" / "versions" / "3.13.0" / "bin" / "python3.13", "3.13")
    assert bootstrap.find_python("uv-is-not-asked", only_under(machine)) == pyenv


def test_without_an_interpreter_the_message_has_a_command(machine: Path) -> None:
    uv = interpreter(machine / "uv", "no network", code=2)
    with pytest.raises(bootstrap.BootstrapError, match=r"UV_PYTHON=/path/to/python3\.13 make up"):
        bootstrap.find_python(str(uv), only_under(machine))
