"""Size budgets of artefacts, from tools/build/budgets.py."""

import os
from pathlib import Path

from tests.build.repository import finish, start


def test_a_function_over_its_budget_fails_the_build_with_the_sizes_of_its_parts(
    again: Path,
) -> None:
    lay_out_relay(again, size=550_000)
    ran = finish(start(again, "--local", UV="/nowhere/uv"))
    assert ran.status == 1
    [told] = ran.err.splitlines()
    assert told.startswith("build: functions/relay/function.yaml: package: functions/relay.zip 55")
    assert "exceed the budget of 1300 kB (tools/build/budgets.py). Remove a dependency" in told


def lay_out_relay(root: Path, size: int) -> None:
    """Add a function of this many bytes that uses only Postgres."""
    folder = root / "functions/relay"
    folder.mkdir()
    (folder / "function.yaml").write_text("description: Relays\ndata: {postgres: app}\n")
    (folder / "handler.py").touch()
    (folder / "picture.bin").write_bytes(os.urandom(size))


def test_a_function_with_dynamodb_has_a_larger_budget(again: Path) -> None:
    (again / "functions/notes/picture.bin").write_bytes(os.urandom(200_000))
    assert finish(start(again, "--local", UV="/nowhere/uv")).status == 0
