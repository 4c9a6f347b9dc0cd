"""Independence of commands from the caller's shell, in a quick form.

`make proof-shells` runs every shell completely.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from local_aws import callers_environment, unexpected
from local_aws.callers_environment import for_terraform, forget_aws, without_proxy_for_loopback
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor.process import get_json
from local_aws.terraform.command import TerraformError
from local_aws.terraform.local_root import LocalRoot
from local_aws.terraform.record import Record
from tests.laptop.shells import cases
from tests.laptop.shells.cases import Shell, make
from tools import bootstrap
from tools.laptop.stack import aws

ROOT = Path(__file__).resolve().parents[3]


class Answers(BaseHTTPRequestHandler):
    """An endpoint that answers any call and keeps the headers of the last one."""

    seen: dict[str, str]

    def do_GET(self) -> None:
        Answers.seen = dict(self.headers)
        body = b'{"TableNames": []}'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815 - the name that http.server calls

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = HTTPServer((LOOPBACK, 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in [each for each in os.environ if each.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return monkeypatch


def used_by_boto3(shell: Shell, environment: pytest.MonkeyPatch) -> None:
    for name, value in shell.variables.items():
        assert value is not None
        environment.setenv(name, value)


def test_there_are_at_least_forty_shells(tmp_path: Path) -> None:
    names = [shell.name for shell in cases.all_of(tmp_path)]
    assert len(set(names)) == len(names) >= 40


@pytest.mark.parametrize("shell", list(cases.proxies()), ids=lambda shell: shell.name)
def test_loopback_uses_no_proxy(shell: Shell, environment: pytest.MonkeyPatch, port: int) -> None:
    used_by_boto3(shell, environment)
    for name, value in without_proxy_for_loopback(os.environ).items():
        environment.setenv(name, value)
    assert get_json(f"http://{LOOPBACK}:{port}") == {"TableNames": []}
    for excluded in (shell.variables.get("NO_PROXY") or "").split(","):
        assert excluded in os.environ["no_proxy"]


def test_no_aws_command_reads_the_callers_settings(
    environment: pytest.MonkeyPatch, port: int, tmp_path: Path
) -> None:
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_EC2_METADATA_DISABLED"):
        environment.setenv(name, "")  # so that monkeypatch restores them
    for shell in cases.aws(tmp_path):
        with pytest.MonkeyPatch.context() as variables:
            used_by_boto3(shell, variables)
            forget_aws()
            client = aws.client("dynamodb", Settings(tmp_path, aws_port=port), "eu-central-1")
            assert client.list_tables()["TableNames"] == [], shell.name
        assert "Credential=local/" in Answers.seen["Authorization"]
        assert "X-Amz-Security-Token" not in Answers.seen


def test_terraform_gets_none_of_the_callers_options(tmp_path: Path) -> None:
    used_by_boto3 = {"TF_VAR_project": "kept", "TF_PLUGIN_CACHE_DIR": "kept", "PATH": "kept"}
    for shell in cases.terraform(tmp_path):
        kept = for_terraform(shell.environment(used_by_boto3))
        assert used_by_boto3.items() <= kept.items()
        assert kept.keys() - used_by_boto3.keys() <= {"TF_CLI_CONFIG_FILE", "TF_PLUGIN_MIRROR"}, (
            shell.name
        )
    logged = {"TF_LOG": "TRACE", "TF_LOG_PATH": "terraform.log"}
    assert for_terraform(logged) == logged


def test_terraform_applies_in_a_shell_with_all_of_its_variables(
    environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Use a path with characters that HCL and shells could interpret."""
    settings = Settings(tmp_path / "mit Leerzeichen, ünïcode, 'a' ${b} %{c} (d) #e")
    folder = settings.root / "root"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text('output "said" {\n  value = "yes"\n}\n')
    for shell in cases.terraform(tmp_path):
        used_by_boto3(shell, environment)
    root = LocalRoot(settings, folder, Record.of(settings, "root"))
    root.record.state.parent.mkdir(parents=True)
    root.state_options = (f"-state={root.record.state}",)
    root.run("init", "-input=false")
    root.apply(lambda _: None)
    assert root.outputs() == {"said": "yes"}
    assert not (tmp_path / "data").exists()
    (folder / "main.tf").write_text('output "said" {\n  value = no\n}\n')
    with pytest.raises(TerraformError, match="Invalid reference"):
        root.apply(lambda _: None)


def test_make_works_in_every_shell(tmp_path: Path) -> None:
    for shell in [*cases.merged(cases.interpreters(tmp_path)), *cases.users(), cases.bare()]:
        done = make(ROOT, shell, "words-and-status", "ATRIUM_STATE=.local-nowhere")
        assert done.returncode == 0, (shell.name, done.stderr)
        words, status = done.stdout.split("\n", 1)
        assert words == "├─ ✓", shell.name
        assert json.loads(status) == {"state": "down"}, shell.name


def test_the_printed_exports_make_other_programs_work() -> None:
    printed = callers_environment.exports({"TOKEN": "a b"}, {"HTTP_PROXY": "http://proxy"})
    assert printed.splitlines() == [
        "unset AWS_PROFILE AWS_SESSION_TOKEN",
        "export TOKEN='a b'",
        "export no_proxy=127.0.0.1,localhost,::1",
        "export NO_PROXY=127.0.0.1,localhost,::1",
    ]
    assert "PROXY" not in callers_environment.exports({}, {})


@pytest.mark.parametrize(
    "name", ["a:b", 'a"b', "a\nb", "a$b", b"a\xff".decode("utf-8", "surrogateescape")]
)
def test_a_checkout_with_an_unusable_path_is_refused(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "ROOT", Path("/home/ada") / name)
    with pytest.raises(bootstrap.BootstrapError, match=r"the path of this checkout .* Rename"):
        bootstrap.main()


def test_an_unexpected_error_is_reported_in_a_sentence_with_its_log_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = KeyError("colour")
    unexpected.hook(tmp_path)(KeyError, error, None)
    told = capsys.readouterr().err
    assert "Unexpected error: KeyError: 'colour'" in told
    assert "Traceback" not in told
    [file] = tmp_path.iterdir()
    assert str(file) in told
    assert "KeyError: 'colour'" in file.read_text()


def test_no_command_ends_in_a_traceback() -> None:
    """Check an unexpected error, such as an invalid file in the state folder."""
    state = ROOT / ".local-no-sense"
    state.mkdir(exist_ok=True)
    try:
        (state / "outputs.json").write_text("[]")
        told = subprocess.run(
            [sys.executable, "-m", "tools.laptop", "env"],
            cwd=ROOT,
            env=os.environ | {"ATRIUM_STATE": state.name},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        shutil.rmtree(state)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "Unexpected error: TypeError" in told.stderr
    assert "Traceback (most recent call last)" not in told.stderr


def test_an_error_of_the_system_is_reported_with_a_remedy() -> None:
    told = unexpected.of_system(PermissionError(13, "Permission denied", "/home/ada/.local"), "up")
    assert told.startswith("up: Permission denied: /home/ada/.local. Change the owner or")


def test_a_checkout_with_converted_line_ends_works_the_same(tmp_path: Path) -> None:
    """Convert as Git on Windows does by default (`core.autocrlf=true`)."""
    git = ("git", "-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    (tmp_path / ".gitattributes").write_bytes((ROOT / ".gitattributes").read_bytes())
    (tmp_path / "run").write_bytes(b"#!/bin/sh\necho\n")
    for command in ("init -q", "add -A", "rm -q -r -f --cached .", "add -A"):
        subprocess.run([*git, *command.split()], cwd=tmp_path, check=True, capture_output=True)
    (tmp_path / "run").unlink()
    subprocess.run([*git, "checkout", "--", "run"], cwd=tmp_path, check=True, capture_output=True)
    assert (tmp_path / "run").read_bytes() == b"#!/bin/sh\necho\n"
