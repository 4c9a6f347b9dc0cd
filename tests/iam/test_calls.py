"""Permissions after all other tests: recorded calls are decided alike, and none is unused."""

import json
from collections.abc import Sequence
from typing import Any

from local_aws.iam.record import Call
from local_aws.settings import Settings
from local_aws_tests.iam.simulator import Document, Question, ask
from tools.deploy import stack_outputs as outputs
from tools.laptop import iam_report as report
from tools.laptop.stack.aws import client


def test_the_stack_has_recorded_the_calls_of_its_functions(calls: list[Call]) -> None:
    actions = {call.action for call in calls if call.allowed}
    assert actions >= {
        "rds-db:connect",
        "dynamodb:Query",
        "secretsmanager:PutSecretValue",
        "lambda:InvokeFunction",
    }


def test_an_independent_simulator_decides_every_call_the_same(calls: list[Call]) -> None:
    verdicts = ask([_question(call) for call in calls])
    differences = [
        f"{call.role} {call.action} on {call.resource}: {'allowed' if call.allowed else 'denied'} here, "
        f"the simulator says {verdict.result} {verdict.errors}"
        for call, verdict in zip(calls, verdicts, strict=True)
        if call.allowed is not verdict.allowed
    ]
    assert not differences, "\n".join(differences)


def test_no_permission_is_unused(settings: Settings) -> None:
    found = report.of_stack(settings)
    assert found.ok, report.text(found)


INLINE_QUOTA = 10_240  # characters of all inline policies of a role together, without white space
RESERVE = 2_000  # for longer names of projects and stages, and for one more declaration


def test_the_inline_policies_of_each_role_fit_iams_quota(settings: Settings) -> None:
    """Check https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html."""
    iam = client("iam", settings, outputs.read(settings).region)
    sizes = {
        role["RoleName"]: _inline_size(iam, role["RoleName"]) for role in iam.list_roles()["Roles"]
    }
    assert max(sizes.values()) > 0
    assert {role: size for role, size in sizes.items() if size > INLINE_QUOTA - RESERVE} == {}


def _inline_size(iam: Any, role: str) -> int:
    names = iam.list_role_policies(RoleName=role)["PolicyNames"]
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"] for name in names
    ]
    return sum(len(json.dumps(document, separators=(",", ":"))) for document in documents)


def _question(call: Call) -> Question:
    policies = call.policies
    return Question(
        action=call.action,
        resource=call.resource,
        context=call.context,
        identity=_documents(policies.identity),
        boundary=None if policies.boundary is None else _documents(policies.boundary),
        session=json.loads(policies.session) if policies.session else None,
    )


def _documents(named: Sequence[tuple[str, str]]) -> list[Document]:
    return [json.loads(document) for _, document in named]
