"""`make new-service NAME=zeppelins` in a copy of this checkout, then `make up` there, on a copy of the stack.

The name is one that nobody has: a service called parcels may be here already, from the README.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from local_aws.settings import Settings
from local_aws.supervisor.ports import free_ports
from tests.failures.saved import copy, saved
from tests.failures.stack import Stack
from tools.bootstrap import RUNTIME
from tools.deploy import stack_outputs as outputs
from tools.laptop.client import Client, Person, client_of

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
# The environment is this checkout's: another one would cost half a minute.
MAKE = ("make", "--silent", "-o", "environment", f"PYTHON={sys.executable}")
STATE = ".local-zeppelins"


@dataclass(frozen=True)
class Checkout:
    """With the builds and caches of this one; `environment` names its stack."""

    root: Path
    environment: Mapping[str, str]

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(tmp_path_factory.mktemp("checkout"), STATE, *free_ports())


@pytest.fixture(scope="module")
def checkout(settings: Settings) -> Checkout:
    """With the new service."""
    root = settings.root
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, os.fsdecode(listed.stdout).split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, root / name)
    for folder in ("build", ".mypy_cache"):
        if (ROOT / folder).is_dir():
            shutil.copytree(ROOT / folder, root / folder)
    (root / ".venv").mkdir()
    (root / ".venv/lambda-runtime").symlink_to(RUNTIME)
    made = Checkout(root, Stack.of(STATE, (settings.api_port, settings.aws_port)).environment)
    made.run("git", "init", "--quiet")
    made.run("git", "add", "--all")
    author = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    made.run("git", *author, "commit", "--quiet", "--no-verify", "-m", "As it was")
    made.run(*MAKE, "new-service", "NAME=zeppelins")
    return made


@pytest.fixture(scope="module")
def client(settings: Settings, checkout: Checkout) -> Iterator[Client]:
    """Of the copy's stack, after `make up`."""
    with saved() as whole:
        copy(whole, Stack(settings, checkout.environment))
    try:
        checkout.run(*MAKE, "up")
        yield client_of(settings)
    finally:
        checkout.run(*MAKE, "reset")


@pytest.fixture(scope="module")
def member(client: Client) -> Person:
    return client.new_member()


def test_no_existing_file_is_changed(checkout: Checkout) -> None:
    new = checkout.run("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    assert new
    written = r"\?\? (functions/zeppelins/|migrations/\d{4}_zeppelins\.)| M docs/personal-data\.md"
    assert all(re.match(written, line) for line in new), new
    names = {line.rpartition("/")[2] for line in new}
    assert {
        "function.yaml",
        "openapi.yaml",
        "handler.py",
        "zeppelins.py",
        "queries.py",
        "test_zeppelins.py",
    } < names


def test_it_is_formatted_and_typed(checkout: Checkout) -> None:
    checkout.run(f"{BIN}/ruff", "format", "--check", "functions/zeppelins")
    checkout.run(f"{BIN}/ruff", "check", "functions/zeppelins")
    assert "no issues" in checkout.run(f"{BIN}/mypy")


def test_it_answers_after_make_up(settings: Settings, client: Client, member: Person) -> None:
    assert "zeppelins" in outputs.read(settings).functions
    assert client.call("GET", "/v1/zeppelins", member.token).json == {
        "items": [],
        "next_cursor": None,
    }


def test_its_own_tests_pass(checkout: Checkout, client: Client) -> None:
    assert " passed" in checkout.run(*PYTEST, "functions/zeppelins")


def test_the_tests_of_the_contract_pass(checkout: Checkout, client: Client) -> None:
    """Those of its own operations, generated requests included."""
    files = (
        "tests/contract/test_answers.py",
        "tests/contract/test_each_operation_admits_exactly_the_declared_callers.py",
    )
    assert " passed" in checkout.run(*PYTEST, "-k", "zeppelins", *files)
    assert " passed" in checkout.run(*PYTEST, "tests/contract/test_declarations.py")
    assert " passed" in checkout.run(
        "env", "FUZZ_PATHS=^/v1/zeppelins", *PYTEST, "tests/contract/test_fuzz.py"
    )


def test_the_tests_of_migrations_pass_and_recording_changes_nothing(checkout: Checkout) -> None:
    files = ("tests/migrations/test_squawk.py", "tests/migrations/test_sent_sql.py")
    assert " passed" in checkout.run(*PYTEST, "-k", "zeppelins", *files)
    before = checkout.run("git", "status", "--porcelain")
    recording = (
        "env",
        "RECORD_SQL=add",
        *PYTEST,
        "tests/migrations/test_sent_sql.py",
    )  # make record-sql, for two services
    checkout.run(*recording, "-k", "ledger and (zeppelins or users)")
    assert checkout.run("git", "status", "--porcelain") == before
