"""A complete stack over days: each hour the old token is refused, and a user signs in, reads and
writes.

`make failure-matrix` runs six hours; `make proof-two-days` sets `HOURS=48`.
"""

import os
from collections.abc import Iterator

import pytest

from tests.failures.conftest import AddRow
from tests.failures.stack import Stack
from tools.laptop.client import Client, Person

HOURS = int(os.environ.get("HOURS", "6"))


@pytest.fixture
def moved(stack: Stack) -> Iterator[Stack]:
    """Return the stack with a clock that can be moved; afterwards it shows the machine's time
    again.
    """
    stack.make("down")
    assert stack.make("up", ATRIUM_CLOCK="movable").code == 0
    yield stack
    stack.make("down")
    stack.up()


def test_the_stack_works_hour_by_hour(
    moved: Stack, client: Client, member: Person, add_row: AddRow
) -> None:
    person, statuses = client.sign_in(member), set[tuple[int, int, int]]()
    for hour in range(1, HOURS + 1):
        shown = moved.make("clock", FORWARD="3600")
        assert shown.code == 0, shown.output
        expired = client.call("GET", "/v1/me", person.token).status
        person = client.sign_in(person)
        read = client.call("GET", "/v1/me", person.token)
        options = {
            "If_Match": read.headers.get("etag", ""),
            "Content_Type": "application/merge-patch+json",
        }
        written = client.call(
            "PATCH", "/v1/me", person.token, {"given_name": f"Ada {hour}"}, **options
        )
        statuses.add((expired, read.status, written.status))
    assert statuses == {(401, 200, 200)}
    add_row(
        f"the clock moves by {HOURS} hours, one by one",
        f"each hour: {statuses}",
        shown.output.strip(),
    )


def test_the_machines_clock_does_not_move(stack: Stack, client: Client, add_row: AddRow) -> None:
    stack.be_up()
    refused = stack.make("clock", FORWARD="3600")
    assert refused.code == 2
    assert "ATRIUM_CLOCK=movable make up" in refused.message
    add_row("the clock of a stack that has none is moved", refused.message, "nothing happened")
