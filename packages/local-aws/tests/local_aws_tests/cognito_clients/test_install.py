"""Messages on a machine without Node, where the JavaScript tests must fail instead of pass or
disappear.
"""

from pathlib import Path

import pytest

from local_aws_tests.cognito_clients.identity_js import install


def test_a_missing_node_is_reported_with_its_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(
        pytest.fail.Exception, match=r"without node and npm: install Node\.js 18 or newer"
    ):
        install()


def test_an_old_node_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("node", "npm"):
        (tmp_path / name).write_text("#!/bin/sh\necho v16.20.2\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match=r"v16\.20\.2 is too old"):
        install()
