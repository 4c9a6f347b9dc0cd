"""docs/runbooks/api-keys.md: its aws commands, executed as boto3 calls."""

import re
import shlex
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import xform_name
from moto import mock_aws

RUNBOOK = Path(__file__).resolve().parents[2] / "docs/runbooks/api-keys.md"
COMMAND = re.compile(
    r"^\$ (?:(?P<variable>\w+)=\$\()?aws apigateway (?P<operation>[a-z-]+) (?P<options>.*?)\)?$",
    re.MULTILINE,
)
OF_THE_COMMAND_LINE = {"--query", "--output"}


def run(client: Any, operation: str, options: list[str]) -> dict[str, Any]:
    """Call API Gateway with boto3, which refuses unknown parameters.

    `--some-option` becomes someOption.
    """
    given: dict[str, Any] = {}
    for option, value in pairs(options):
        if option in OF_THE_COMMAND_LINE:
            continue
        name = re.sub(r"-(\w)", lambda letter: letter[1].upper(), option.removeprefix("--"))
        given[name] = (
            [dict(part.split("=") for part in value.split(","))]
            if isinstance(value, str) and "=" in value
            else value
        )
    answer: dict[str, Any] = getattr(client, xform_name(operation.replace("-", "_")))(**given)
    return answer


def pairs(options: list[str]) -> list[tuple[str, str | bool]]:
    """Return the options with their values. An option without a value is a switch."""
    following = [*options[1:], "--"]
    return [
        (option, True if after.startswith("--") else after)
        for option, after in zip(options, following, strict=True)
        if option.startswith("--")
    ]


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "offline")
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield boto3.client("apigateway", region_name="eu-central-1")


def test_the_commands_create_and_delete_a_key_of_the_usage_plan(client: Any) -> None:
    known = {"plan": client.create_usage_plan(name="atrium-dev")["id"], "client": "example"}
    ran = []
    for command in COMMAND.finditer(RUNBOOK.read_text()):
        options = re.sub(
            r"\$(\w+)|<(\w+)>", lambda name: known[name[1] or name[2]], command["options"]
        )
        answer = run(client, command["operation"], shlex.split(options))
        if command["variable"]:
            known[command["variable"]] = answer["id"]
        ran.append((command["operation"], answer))
        if command["operation"] == "create-usage-plan-key":
            assert [
                key["name"]
                for key in client.get_usage_plan_keys(usagePlanId=known["plan"])["items"]
            ] == ["example"]
    assert [operation for operation, _ in ran] == [
        "create-api-key", "create-usage-plan-key", "get-api-key", "update-api-key", "delete-api-key",
    ]  # fmt: skip
    answers = dict(ran)
    assert len(answers["get-api-key"]["value"]) >= 20
    assert (answers["get-api-key"]["enabled"], answers["update-api-key"]["enabled"]) == (
        True,
        False,
    )
    assert client.get_api_keys()["items"] == []
