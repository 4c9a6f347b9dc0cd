"""Access of functions to the table: by plan and simulator, exactly the partitions of their
function.yaml.

Our IAM and an independent simulator decide each call.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local_aws.iam.decision import decide
from local_aws.iam.policy import Policy, parse
from local_aws_tests.iam.simulator import Question, ask
from tools.build.declarations import PARTITIONS, Function, Partition, read_functions
from tools.deploy.terraform.offline_plan import Plan

ROOT = Path(__file__).resolve().parents[2]
TABLE = "arn:aws:dynamodb:eu-central-1:000000000000:table/UserAttributes"
LEADING = "dynamodb:LeadingKeys"
ACTIONS = {
    "read": ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query"),
    "put": ("PutItem",),
    "update": ("UpdateItem",),
    "delete": ("DeleteItem",),
}
EVERY_ACTION = sorted({action for actions in ACTIONS.values() for action in actions})
NEVER = ("BatchWriteItem", "DeleteTable", "PartiQLSelect", "Scan", "UpdateTable")
FUNCTIONS = {function.name: function for function in read_functions(ROOT)}


@dataclass(frozen=True)
class Case:
    """A call by a function, and whether function.yaml declares it."""

    function: str
    action: str
    resource: str
    keys: tuple[str, ...]
    declared: bool

    def __str__(self) -> str:
        return f"{self.function}: {self.action} of {', '.join(self.keys) or 'no key'} on {self.resource.rpartition(':')[2]}"


def cases(function: Function) -> Iterator[Case]:
    """Yield each action on an item of each partition, and calls that no function may make."""
    for partition in PARTITIONS.values():
        resource = f"{TABLE}/index/{partition.index}" if partition.index else TABLE
        for action in ("Query", "Scan") if partition.index else EVERY_ACTION:
            yield Case(
                function.name,
                action,
                resource,
                (key(partition),),
                is_declared(function, action, partition),
            )
    for action in (*NEVER, *EVERY_ACTION):  # ForAllValues alone is true without keys
        yield Case(function.name, action, TABLE, (), False)
    # A batch, or the parts of a transaction with the same action, are allowed if each key is.
    for action in EVERY_ACTION:
        for one, other in pairwise(each for each in PARTITIONS.values() if not each.index):
            both = is_declared(function, action, one) and is_declared(function, action, other)
            yield Case(function.name, action, TABLE, (key(one), key(other)), both)


def key(partition: Partition) -> str:
    return partition.key.replace("*", "0190")


def is_declared(function: Function, action: str, partition: Partition) -> bool:
    """Return True if a declared partition covers this one with a right to the action.

    For example, `roles` covers `admins`.
    """
    rights = function.declaration.data.user_attributes
    names = [
        name
        for right, actions in ACTIONS.items()
        if action in actions
        for name in getattr(rights, right)
    ]
    return any(
        PARTITIONS[name].index == partition.index
        and key(partition).startswith(PARTITIONS[name].key.rstrip("*"))
        for name in names
        if PARTITIONS[name].key.endswith("*") or PARTITIONS[name].key == key(partition)
    )


@pytest.fixture(scope="module")
def documents(dev: Plan) -> dict[str, Any]:
    start = 'module.api_lambda.aws_iam_role_policy.user_attributes["'
    return {
        address.removeprefix(start).rstrip('"]'): json.loads(known["policy"])
        for address, known in dev.items()
        if address.startswith(start)
    }


def test_a_function_without_declaration_has_no_policy(documents: dict[str, Any]) -> None:
    declaring = {name for name, function in FUNCTIONS.items() if declared(function)}
    assert documents.keys() == declaring
    assert declaring < FUNCTIONS.keys()


def declared(function: Function) -> set[str]:
    rights = function.declaration.data.user_attributes
    return {*rights.read, *rights.put, *rights.update, *rights.delete}


def test_the_policies_allow_exactly_what_is_declared(documents: dict[str, Any]) -> None:
    asked = [case for name in documents for case in cases(FUNCTIONS[name])]
    assert {case.declared for case in asked} == {True, False}
    ours = {case: _allowed(parse(json.dumps(documents[case.function])), case) for case in asked}
    assert [str(case) for case in asked if ours[case] is not case.declared] == []
    known = [case for case in asked if not case.action.startswith("PartiQL")]
    verdicts = ask([_question(documents[case.function], case) for case in known])
    wrong = [(str(case), verdict.errors) for case, verdict in zip(known, verdicts, strict=True) if verdict.allowed is not case.declared]  # fmt: skip
    assert wrong == []


def _allowed(policy: Policy, case: Case) -> bool:
    return decide([policy], f"dynamodb:{case.action}", case.resource, _context(case)).allowed


def _question(document: Any, case: Case) -> Question:
    return Question(f"dynamodb:{case.action}", case.resource, _context(case), [document])


def _context(case: Case) -> dict[str, tuple[str, ...]]:
    return {LEADING: case.keys} if case.keys and case.action != "Scan" else {}


def readers(partition: str) -> set[str]:
    return {
        name
        for name, function in FUNCTIONS.items()
        if is_declared(function, "GetItem", PARTITIONS[partition])
    }


def writers(partition: str, action: str = "PutItem") -> set[str]:
    return {
        name
        for name, function in FUNCTIONS.items()
        if is_declared(function, action, PARTITIONS[partition])
    }


def test_signing_keys_are_read_only_by_functions_with_lists_and_their_creator() -> None:
    paginated = {name for name, function in FUNCTIONS.items() if _takes_a_cursor(function)}
    assert readers("signing_keys") == paginated | {"migrate"}
    assert writers("signing_keys") == {"migrate"}
    assert writers("signing_keys", "DeleteItem") == set()


def _takes_a_cursor(function: Function) -> bool:
    return (
        function.contract.exists()
        and "#/components/parameters/Cursor" in function.contract.read_text()
    )


def test_only_listed_functions_write_rights() -> None:
    assert (
        writers("roles")
        == writers("roles", "UpdateItem")
        == writers("roles", "DeleteItem")
        == {"access"}
    )
    assert writers("grants") == {
        "access",
        "first_admin",
        "migrate",
        # grants the roles of an accepted invitation: atrium/identity/acceptance.py
        "pre_token_generation",
        "register_service",
    }
    assert writers("grants", "DeleteItem") == {"access", "outbox_relay", "register_service"}
    assert writers("grants", "UpdateItem") == set()
    assert writers("admins", "UpdateItem") == {
        "access",
        "first_admin",
        "outbox_relay",
        "pre_token_generation",
        "users",
    }
    assert writers("namespaces") == {"access"}


def test_no_function_changes_or_deletes_an_audit_entry() -> None:
    assert writers("audit", "UpdateItem") == writers("audit", "DeleteItem") == set()
