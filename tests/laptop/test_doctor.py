"""The doctor's report of missing tools, on machines with a PATH of their own and no network."""

import ast
import json
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
BASE_PYTHON = sys._base_executable  # type: ignore[attr-defined]


class Machine:
    """The tools in a checkout without `.venv`, and an empty PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        for part in ("packages", "tools"):
            shutil.copytree(
                ROOT / part, self.root / part, ignore=shutil.ignore_patterns("__pycache__")
            )
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.environment = {
            "PATH": str(self.bin),
            "HOME": str(folder),
            "PYENV_ROOT": str(folder / "pyenv"),
            "https_proxy": "http://127.0.0.1:9",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    def has(self, command: str, script: str = "") -> None:
        (self.bin / command).write_text(f"#!/bin/sh\n{script}\n")
        (self.bin / command).chmod(0o755)

    def doctor(self, *options: str, python: str = BASE_PYTHON) -> subprocess.CompletedProcess[str]:
        command = [python, str(self.root / "tools/setup/doctor.py"), *options]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )

    def findings(self) -> dict[str, Any]:
        ran = self.doctor("--format", "json")
        answer = json.loads(ran.stdout)
        assert (ran.returncode == 0) == answer["ok"]
        return {finding["name"]: finding for finding in answer["findings"]}


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_every_missing_tool_is_named_with_its_installation(machine: Machine) -> None:
    machine.has("apt-get")
    found = machine.findings()
    missing = {name for name, finding in found.items() if finding["found"] is None}
    assert {"make", "git", "terraform", "node", "valgrind"} <= missing
    assert all(found[name]["get"] for name in missing)
    assert found["git"]["get"] == "apt-get install git"
    assert "https://developer.hashicorp.com/terraform/install" in found["terraform"]["get"]
    ran = machine.doctor()
    assert ran.returncode == 1
    assert "`make up` needs make, git" in ran.stdout
    assert "apt-get install git" in ran.stdout


def test_an_optional_tool_is_reported_with_what_needs_it(machine: Machine) -> None:
    found = machine.findings()
    assert "each function keeps its own session" in found["PgBouncer"]["lost"]
    verdict = machine.doctor().stdout.splitlines()[-1]
    assert "PgBouncer" not in verdict
    assert "valgrind" not in verdict


def test_installed_programs_are_found(machine: Machine) -> None:
    for command in ("make", "git", "uv"):
        machine.has(command)
    machine.has("terraform", "echo Terraform v1.11.4")
    machine.has("python3.13", "echo 3.13")
    mirror = machine.root.parent / "mirror"
    (mirror / "registry.terraform.io/hashicorp/aws").mkdir(parents=True)
    machine.environment["TF_PLUGIN_MIRROR"] = str(mirror)
    found = machine.findings()
    for name in ("make", "git", "uv", "terraform", "Python 3.13", "aws provider"):
        assert found[name]["found"], found[name]
    assert found["Python 3.13"]["found"] == str(machine.bin / "python3.13")


def test_an_old_terraform_counts_as_missing(machine: Machine) -> None:
    machine.has("terraform", "echo Terraform v1.5.7")
    assert machine.findings()["terraform"]["found"] is None


def test_a_failing_python_counts_as_missing(machine: Machine) -> None:
    machine.has("python3.13", "exit 127")
    machine.environment["UV_PYTHON_INSTALL_DIR"] = "/nowhere"
    finding = machine.findings()["Python 3.13"]
    assert finding["found"] is None
    assert "uv python install 3.13" in finding["get"]


def test_a_port_in_use_is_reported_with_a_free_one(machine: Machine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        machine.environment |= {"API_PORT": str(port), "AWS_PORT": "seven"}
        found = machine.findings()
    assert found["API_PORT"]["found"] is None
    assert f"API_PORT={port + 1} make up" in found["API_PORT"]["get"]
    assert "is not a port" in found["AWS_PORT"]["get"]


def test_the_port_of_our_own_stack_counts_as_free(machine: Machine) -> None:
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        ours.listen()
        port = ours.getsockname()[1]
        machine.environment |= {"API_PORT": str(port), "ATRIUM_STATE": ".local-test"}
        state = machine.root / ".local-test"
        state.mkdir()
        running = subprocess.Popen([BASE_PYTHON, "-c", "input()"], stdin=subprocess.PIPE)
        ready = {"pid": running.pid, "api_port": port, "aws_port": 1}
        (state / "supervisor.json").write_text(json.dumps(ready))
        assert "this checkout's stack" in machine.findings()["API_PORT"]["found"]
        running.communicate(b"\n")
        assert machine.findings()["API_PORT"]["found"] is None  # a file left by a killed stack


def test_an_old_python3_can_run_the_doctor() -> None:
    """Check that it reports its age instead of a SyntaxError; newer syntax is imported only after
    that check.
    """
    tree = ast.parse((ROOT / "tools/setup/doctor.py").read_text(), feature_version=(3, 8))
    imported = {
        name.split(".")[0]
        for statement in tree.body
        if isinstance(statement, ast.Import | ast.ImportFrom)
        for name in (
            [statement.module or ""]
            if isinstance(statement, ast.ImportFrom)
            else [a.name for a in statement.names]
        )
    }
    assert imported <= sys.stdlib_module_names
    old = shutil.which("python3.8") or shutil.which("python3.9") or shutil.which("python3.10")
    if (
        old
        and (
            ran := subprocess.run(
                [old, ROOT / "tools/setup/doctor.py"], capture_output=True, text=True
            )
        ).returncode
        != 127
    ):
        assert ran.returncode == 1
        assert "make needs 3.11 or later" in ran.stdout
