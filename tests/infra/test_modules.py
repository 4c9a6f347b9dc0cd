"""Each module's own tests (`*.tftest.hcl`), and a rule for all their plans: policies name actions
and resources.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from local_aws.iam.aws_policies import POWER_USER_ACCESS
from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from tools.deploy.terraform.offline_plan import offline

ROOT = Path(__file__).resolve().parents[2]
TESTED = sorted({file.relative_to(ROOT).parents[1] for file in ROOT.glob("*/*/tests/*.tftest.hcl")})
# test_refusals.py runs it without the provider, which takes seconds to start
REFUSALS = "refusals.tftest.hcl"
# names nearly everything, except other environments: test_deploy_roles.py tests it
DEPLOY_POLICY = "aws_iam_policy.deploy["
# Actions that IAM does not limit by resource, or that create a resource without a name yet.
WITHOUT_A_RESOURCE = re.compile(
    "xray:Put.*|ec2:Describe.*|ec2:(Create|Delete)NetworkInterface|ec2:(Una|A)ssignPrivateIpAddresses"
    "|dynamodb:ListStreams|ssm:UpdateInstanceInformation|ssmmessages:.*|logs:DescribeLogGroups"
)


@dataclass(frozen=True)
class Statement:
    """An Allow statement of a role's policy, and the place where it was planned."""

    address: str
    actions: list[str]
    resources: list[str]


class Plan(msgspec.Struct, frozen=True):
    resource_changes: list[dict[str, Any]] = []


class Summary(msgspec.Struct, frozen=True):
    passed: int
    skipped: int


class Message(msgspec.Struct, frozen=True):
    """A line of `terraform test -json`. msgspec skips the 13 MB of provider schemas in the line of
    a plan.
    """

    type: str
    message: str = msgspec.field(name="@message")
    file: str = msgspec.field(name="@testfile", default="")
    run: str = msgspec.field(name="@testrun", default="")
    test_plan: Plan | None = None
    test_summary: Summary | None = None

    @classmethod
    def read(cls, line: str) -> Self:
        return msgspec.json.decode(line, type=cls)


# All files of a module in one command, because starting Terraform and the provider takes most of
# the time.
@pytest.mark.parametrize("folder", TESTED, ids=str)
def test_module(folder: Path, tmp_path: Path) -> None:
    module = shutil.copytree(
        ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".terraform", REFUSALS)
    )
    command = terraform(ROOT / ".local")
    environment = offline(os.environ) | providers.environment(tmp_path)
    lock = ROOT / "envs/dev/.terraform.lock.hcl"
    shutil.copy2(lock, module / lock.name)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [command, *arguments], cwd=module, env=environment, capture_output=True, text=True
        )

    started = run("init", "-backend=false", "-input=false", "-lockfile=readonly", "-no-color")
    assert started.returncode == 0, started.stdout + started.stderr
    tested = run("test", "-json", "-verbose")
    messages = [Message.read(line) for line in tested.stdout.splitlines() if line.startswith("{")]
    assert tested.returncode == 0, failures(messages)
    [summary] = [message.test_summary for message in messages if message.test_summary]
    assert summary.passed > 0
    assert summary.skipped == 0, "Terraform was interrupted, and calls that a success."
    plans = [message.test_plan for message in messages if message.test_plan]
    assert [
        statement for plan in plans for statement in allowed(plan) if not exact(statement)
    ] == []
    assert (
        folder.parent.name != "modules"
        or [role for plan in plans for role in unbounded(plan)] == []
    )


def failures(messages: list[Message]) -> str:
    return "\n".join(
        f"{message.file} {message.run}: {message.message}"
        for message in messages
        if message.type == "diagnostic"
    )


def allowed(plan: Plan) -> Iterator[Statement]:
    """Yield the statements of the plan's role policies that are known before an apply."""
    for change in plan.resource_changes:
        if change["type"] not in ("aws_iam_role_policy", "aws_iam_policy"):
            continue
        if change["address"].startswith(DEPLOY_POLICY):
            continue
        document = json.loads((change["change"]["after"] or {}).get("policy") or "{}")
        for statement in listed(document.get("Statement", [])):
            if statement["Effect"] == "Allow":
                yield Statement(
                    change["address"], listed(statement["Action"]), listed(statement["Resource"])
                )


def unbounded(plan: Plan) -> Iterator[str]:
    """Return the roles without the boundary, which envs/bootstrap would not let a deploy create."""
    roles = [change for change in plan.resource_changes if change["type"] == "aws_iam_role"]
    for role in roles:
        if (role["change"]["after"] or {}).get("permissions_boundary") != POWER_USER_ACCESS:
            yield role["address"]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def exact(statement: Statement) -> bool:
    """Return True if each action and resource is named without wildcards, except at the end of an
    ARN (…/index/*).
    """
    if all(WITHOUT_A_RESOURCE.fullmatch(action) for action in statement.actions):
        return True
    named = all(
        re.fullmatch(r"arn:[^*]+:[^*]+[-/:]?\*?", resource) for resource in statement.resources
    )
    return named and not any("*" in action for action in statement.actions)


@pytest.mark.parametrize(
    ("actions", "resources", "verdict"),
    [
        (
            ["dynamodb:GetItem"],
            ["arn:aws:dynamodb:eu-central-1:000000000000:table/t/index/*"],
            True,
        ),
        (["dynamodb:GetItem"], ["*"], False),
        (["dynamodb:*"], ["arn:aws:dynamodb:eu-central-1:000000000000:table/t"], False),
        (["rds-db:connect"], ["arn:aws:rds-db:eu-central-1:000000000000:dbuser:*/app"], False),
        (["xray:PutTraceSegments"], ["*"], True),
        (["xray:PutTraceSegments", "dynamodb:GetItem"], ["*"], False),
    ],
)
def test_the_rule_distinguishes_exact_from_open_statements(
    actions: list[str], resources: list[str], verdict: bool
) -> None:
    assert exact(Statement("aws_iam_role_policy.this", actions, resources)) is verdict
