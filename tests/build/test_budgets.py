"""No artefact outgrows what builder/budgets.py allows it."""

import os
from pathlib import Path

from tests.build.repository import finish, start


def test_a_function_that_outgrows_its_budget_fails_the_build_and_names_its_parts(again: Path) -> None:
    (again / "functions/notes/picture.bin").write_bytes(os.urandom(1_300_000))
    ran = finish(start(again, "--local", UV="/nowhere/uv"))
    assert ran.status == 1
    [told] = ran.err.splitlines()
    assert told.startswith("build: functions/notes/function.yaml: package: functions/notes.zip 130")
    assert "are more than the 1300 kB of builder/budgets.py. Ship less:" in told


def test_with_dynamodb_there_is_more_room(again: Path) -> None:
    (again / "functions/notes/picture.bin").write_bytes(os.urandom(300_000))
    declaration = again / "functions/notes/function.yaml"
    declaration.write_text(declaration.read_text() + "  user_attributes: [read]\n")
    assert finish(start(again, "--local", UV="/nowhere/uv")).status == 0
