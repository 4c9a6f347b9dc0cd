"""No artefact outgrows what tools/build/budgets.py allows it."""

import os
from pathlib import Path

from tests.build.repository import finish, start


def test_a_function_that_outgrows_its_budget_fails_the_build_and_names_its_parts(
    again: Path,
) -> None:
    lay_out_relay(again, size=550_000)
    ran = finish(start(again, "--local", UV="/nowhere/uv"))
    assert ran.status == 1
    [told] = ran.err.splitlines()
    assert told.startswith("build: functions/relay/function.yaml: package: functions/relay.zip 55")
    assert "exceed the budget of 1300 kB (tools/build/budgets.py). Remove a dependency" in told


def lay_out_relay(root: Path, size: int) -> None:
    """A function that touches Postgres alone, so many bytes heavy."""
    folder = root / "functions/relay"
    folder.mkdir()
    (folder / "function.yaml").write_text("description: Relays\ndata: {postgres: app}\n")
    (folder / "handler.py").touch()
    (folder / "picture.bin").write_bytes(os.urandom(size))


def test_with_dynamodb_there_is_more_room(again: Path) -> None:
    (again / "functions/notes/picture.bin").write_bytes(os.urandom(200_000))
    assert finish(start(again, "--local", UV="/nowhere/uv")).status == 0
