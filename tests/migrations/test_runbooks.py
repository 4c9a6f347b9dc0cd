"""AWS commands in our runbooks: each command and option exists, so an outage reveals no typos."""

import re
import shlex
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs/runbooks"
OF_THE_CLI = {"query", "output", "region", "cli_binary_format"}
"""Options of the aws command itself, which belong to no operation."""


def commands() -> list[tuple[str, str]]:
    """Yield (runbook, command) for each AWS command, also inside `for`, `$(…)` and `&&`."""
    found = []
    for file in sorted(RUNBOOKS.glob("*.md")):
        text = file.read_text()
        found += [
            (file.name, match[0])
            for match in re.finditer(r"aws [a-z]+ [a-z][^;`\n]*?(?=;|`|\n|\)$|&& cat)", text)
        ]
    return found


@pytest.mark.parametrize(("runbook", "command"), commands())
def test_each_command_and_its_options_exist_in_the_service(runbook: str, command: str) -> None:
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


def test_commands_in_every_position_are_tested() -> None:
    assert len(commands()) >= 14
