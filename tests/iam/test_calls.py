"""After all others on the stack: every call that functions made while they were tested, and every permission that none of them needed."""

import json
from collections.abc import Sequence

from local_aws.iam.record import Call
from local_aws.settings import Settings
from tests.local.iam.simulator import Document, Question, ask
from tools.laptop import iam_report as report


def test_the_stack_has_recorded_its_functions_calls(calls: list[Call]) -> None:
    actions = {call.action for call in calls if call.allowed}
    assert actions >= {"rds-db:connect", "dynamodb:Query", "secretsmanager:PutSecretValue", "lambda:InvokeFunction"}


def test_an_independent_simulator_decides_every_call_alike(calls: list[Call]) -> None:
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
