"""The AWS commands of our runbooks exist, with those options: nobody should find a typo while the database is gone."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs/runbooks"
OF_THE_CLI = {"query", "output", "region", "cli_binary_format"}
"""Options that every command has, and no operation."""


def commands() -> list[tuple[str, str]]:
    """(runbook, command), from the prompt or the `for`, `$(…)` and `&&` it stands in."""
    found = []
    for file in sorted(RUNBOOKS.glob("*.md")):
        text = file.read_text()
        found += [
            (file.name, match[0])
            for match in re.finditer(r"aws [a-z]+ [a-z][^;`\n]*?(?=;|`|\n|\)$|&& cat)", text)
        ]
    return found


@pytest.mark.parametrize(("runbook", "command"), commands())
def test_the_command_and_its_options_are_the_services_own(runbook: str, command: str) -> None:
    _, service, operation, *rest = shlex.split(command.replace("$(", "").replace(")", ""))
    model = botocore.session.get_session().get_service_model(service)
    if operation == "wait":
        waiters = botocore.session.get_session().get_waiter_model(service)
        assert rest[0] in [xform_name(name, "-") for name in waiters.waiter_names]
        return
    operations = {xform_name(name, "-"): name for name in model.operation_names}
    shape = model.operation_model(operations[operation]).input_shape
    members = {xform_name(name) for name in (shape.members if shape else ())}
    options = {
        option.removeprefix("--").replace("-", "_") for option in rest if option.startswith("--")
    }
    unknown = {
        option
        for option in options
        if not {option, option.removeprefix("no_")} & (members | OF_THE_CLI)
    }
    assert unknown == set(), command


def test_the_commands_are_found_in_the_text() -> None:
    assert len(commands()) >= 14
