"""A stack for each process, a user who signed up on it, and the table printed at the end."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from local_aws.supervisor.ports import free_ports
from tests.failures import matrix
from tests.failures.matrix import Row
from tests.failures.saved import copy, saved
from tests.failures.stack import CompletedCommand, Stack
from tools.laptop.client import Client, Person, client_of

ROWS = pytest.StashKey[list[Row]]()
AddRow = Callable[[str, str, str], None]
Recovers = Callable[[], str]


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


@pytest.fixture
def add_row(record_property: Callable[[str, object], None]) -> AddRow:
    """Add a row to the table: the action, the message, and the result of the next `make up`."""
    return lambda what, said, next_up: record_property(
        "row", [what, " ".join(said.split()), next_up]
    )


class Table:
    """The rows of all tests, collected where the reports arrive, also from xdist's workers."""

    def __init__(self, rows: list[Row]) -> None:
        self._rows = rows

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else ""
            self._rows.append(
                Row(_name(report), reason.removeprefix("Skipped: "), "not tried", 0.0, "!")
            )
        elif report.failed:
            self._rows.append(
                Row(_name(report), f"({report.when}) see above", "unknown", report.duration, "✗")
            )
        elif report.when == "call":
            told = [value for name, value in report.user_properties if name == "row"]
            self._rows.extend(Row(*row, seconds=report.duration) for row in told)  # type: ignore[misc]


def _name(report: pytest.TestReport) -> str:
    return report.nodeid.rpartition("::test_")[2].replace("_", " ")


def pytest_sessionstart(session: pytest.Session) -> None:
    if not hasattr(session.config, "workerinput"):
        session.config.pluginmanager.register(Table(session.config.stash[ROWS]))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if not (rows := config.stash[ROWS]):
        return
    terminalreporter.section("failure matrix")
    for line in matrix.text(rows):
        terminalreporter.write_line(line)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):  # the page of the run on GitHub
        with Path(page).open("a") as file:
            file.write("## Failure matrix\n\n" + "\n".join(matrix.markdown(rows)) + "\n")


@pytest.fixture(scope="session")
def stack(worker_id: str) -> Iterator[Stack]:
    """Copy the saved stack, so that each process breaks its own and need not wait for a new RDS."""
    made = Stack.of(
        ".local-failures-" + ("own" if worker_id == "master" else worker_id), free_ports()
    )
    made.make("reset")
    with saved() as whole:
        copy(whole, made)
    made.up()
    yield made
    made.make("reset")


@pytest.fixture
def up(stack: Stack) -> None:
    stack.be_up()


@pytest.fixture(scope="session")
def client(stack: Stack) -> Client:
    return client_of(stack.settings)


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    """Return a user who signed up and signed in before the first fault."""
    return client.new_member()


@pytest.fixture
def recovers(stack: Stack, client: Client, member: Person) -> Recovers:
    """Check that the next `make up` works, the old token is valid and the user can sign in."""

    def check() -> str:
        started = time.monotonic()
        ended = stack.up()
        seconds = time.monotonic() - started
        kept(client, member)
        return f"worked in {seconds:.0f} s{_notice(ended)}"

    return check


def kept(client: Client, member: Person) -> None:
    answer = client.call("GET", "/v1/me", member.tokens["AccessToken"])
    assert answer.status == 200, answer.body
    assert answer.json["email"] == member.email
    client.sign_in(member)


def _notice(ended: CompletedCommand) -> str:
    notices = [line.strip() for line in ended.output.splitlines() if line.startswith("    ")]
    return f": {notices[0]}" if notices else ""


def own_mounts() -> tuple[str, ...] | None:
    """Return a command that runs another one with mounts of its own, None if that is impossible.

    Mounts simulate a full disk, or a machine that lacks something. Without root they need a user
    namespace, which some systems refuse.
    """
    ways = (
        [("unshare", "-m")]
        if os.geteuid() == 0
        else [("unshare", "--map-current-user", "--keep-caps", "-m")]
    )
    if not shutil.which("unshare"):
        return None
    probe = ("sh", "-c", "mount -t tmpfs none /mnt")
    works = (
        way for way in ways if subprocess.run([*way, *probe], capture_output=True).returncode == 0
    )
    return next(works, None)
