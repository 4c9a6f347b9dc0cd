"""Difficult cases, decided by our code and by an independent simulator.

Ours must never allow what the other one refuses.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_aws.iam.decision import decide_within
from local_aws.iam.policy import Policy, parse
from local_aws_tests.iam.simulator import Document, Question, Verdict, ask

CASES = Path(__file__).parent / "cases"
ACTION = "dynamodb:GetItem"


@dataclass(frozen=True)
class Case:
    name: str
    question: Question
    allowed: bool
    simulator: str = ""  # reason of a difference between its verdict and AWS's


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((CASES / name).read_text())
    return content


STATEMENTS, CONDITIONS = _read("statements.yaml"), _read("conditions.yaml")
TABLE: str = STATEMENTS["table"]


def _statement(**differs: Any) -> Document:
    whole = {"Effect": "Allow", "Action": ACTION, "Resource": "table"} | differs
    return {name: _expanded(value) for name, value in whole.items() if value is not None}


def _expanded(value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(each) for each in value]
    return (
        TABLE + value.removeprefix("table")
        if isinstance(value, str) and value.startswith("table")
        else value
    )


def _document(statements: Sequence[Document], version: str = "2012-10-17") -> Document:
    return {"Version": version, "Statement": [_statement(**statement) for statement in statements]}


def _conditions() -> Iterator[Case]:
    for operator, key, wanted, actual, met, why, *fault in CONDITIONS["conditions"]:
        name = f"{operator} {key}: {why}"
        context = CONDITIONS["who"] | ({key: actual} if actual is not None else {})
        condition = {operator: {key: wanted}}
        allow = [_document([{"Condition": condition}])]
        deny = [_document([{}, {"Effect": "Deny", "Condition": condition}])]
        yield Case(f"allow if {name}", Question(ACTION, TABLE, context, allow), met is True, *fault)
        yield Case(
            f"deny if {name}",
            Question(ACTION, TABLE, context, deny),
            met is False,
            *(fault or _doubt(met)),
        )


def _doubt(met: Any) -> list[str]:
    return (
        ["it takes a condition that it cannot evaluate for one that is not met"]
        if met == "doubtful"
        else []
    )


def _policies() -> Iterator[Case]:
    for allowed, why, case, *fault in STATEMENTS["statements"]:
        question = Question(
            action=case.get("action", ACTION),
            resource=_expanded(case.get("resource", "table")),
            context=case.get("context", {}),
            identity=[_document(case["policy"], case.get("version", "2012-10-17"))],
            boundary=[_document(case["boundary"])] if "boundary" in case else None,
            session=_document(case["session"]) if "session" in case else None,
        )
        yield Case(why, question, allowed, *fault)


ALL = [*_conditions(), *_policies()]


def _ours(question: Question) -> bool:
    return decide_within(
        _parsed(question.identity),
        None if question.boundary is None else _parsed(question.boundary),
        None if question.session is None else _parsed([question.session]),
        question.action,
        question.resource,
        question.context,
    ).allowed


def _parsed(documents: Sequence[Document]) -> list[Policy]:
    return [parse(json.dumps(document)) for document in documents]


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_difficult_case_is_decided_as_expected(case: Case) -> None:
    assert _ours(case.question) is case.allowed


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return ask([case.question for case in ALL])


def test_the_simulator_decides_the_cases_alike(verdicts: list[Verdict]) -> None:
    """Compare the verdicts; a difference needs a listed reason, otherwise one of the two has a bug."""
    differences = [
        f"{case.name}: {verdict.result} {verdict.errors}"
        for case, verdict in zip(ALL, verdicts, strict=True)
        if verdict.allowed is not case.allowed and not case.simulator
    ]
    assert not differences, "\n".join(differences)


def test_the_simulator_used_every_condition_key(verdicts: list[Verdict]) -> None:
    """Check this, because the simulator ignores a condition key that AWS does not define for an
    action.
    """
    assert [case.name for case, verdict in zip(ALL, verdicts, strict=True) if verdict.ignored] == []
