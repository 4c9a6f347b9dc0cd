"""The stack, made once and kept between runs, somebody who signed up on it, and the table that is printed at the end."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from local.stack import outputs
from tests.failures.stack import Ended, Stack, free_ports
from tests.story.client import Client, Person

ROWS = pytest.StashKey[list["Row"]]()


@dataclass(frozen=True)
class Row:
    what: str
    message: str
    next_up: str


def pytest_configure(config: pytest.Config) -> None:
    config.stash[ROWS] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.stash[ROWS]:
        return
    terminalreporter.section("failure matrix")
    for row in config.stash[ROWS]:
        terminalreporter.write_line(f"{row.what}\n    says  {row.message[:400]}\n    next  {row.next_up}")


@pytest.fixture
def tell(pytestconfig: pytest.Config) -> Callable[[str, str, str], None]:
    """Adds a row to the table: what failed, what was said, what the next `make up` did."""
    return lambda what, message, next_up: pytestconfig.stash[ROWS].append(Row(what, " ".join(message.split()), next_up))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Of `make test`, which has one up already, or one of our own."""
    if state := os.environ.get("ATRIUM_STATE"):
        made = Stack.of(state, (int(os.environ["API_PORT"]), int(os.environ["AWS_PORT"])))
    else:
        made = Stack.of(".local-failures", free_ports())
    made.be_up()
    yield made
    made.make("down")


@pytest.fixture(scope="session")
def client(stack: Stack) -> Client:
    found = outputs.read(stack.settings)
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    cognito = boto3.client("cognito-idp", endpoint_url=found.aws_endpoint_url, region_name=found.region, config=config)
    return Client(found, cognito)


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    """Signed up, confirmed and signed in before anything failed."""
    person = client.sign_up()
    client.confirm(person)
    return client.sign_in(person)


@pytest.fixture
def recovers(stack: Stack, client: Client, member: Person) -> Callable[[], str]:
    """The next `make up` works, and everything is there: the token verifies, the person can sign in, the plan is empty."""

    def check() -> str:
        ended = stack.up()
        kept(client, member)
        return _summary(ended)

    return check


def kept(client: Client, member: Person) -> None:
    answer = client.call("GET", "/v1/me", member.tokens["AccessToken"])
    assert answer.status == 200, answer.body
    assert answer.json["email"] == member.email
    client.sign_in(member)


def _summary(ended: Ended) -> str:
    done = re.compile("  ✓ (local AWS|terraform apply)")
    shown = [" ".join(line.split()[1:]) for line in ended.output.splitlines() if done.match(line)]
    notice = [line.strip() for line in ended.output.splitlines() if line.startswith("    ")]
    return "; ".join([*notice[:1], *shown])


def needs_mounts() -> bool:
    """Whether mounts of our own can be made: they simulate a full disk, or a machine without something."""
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode == 0
