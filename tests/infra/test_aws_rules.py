"""Rules about settings that AWS refuses or bills although the plan succeeds, for dev and prod."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tools.deploy.terraform.offline_plan import Plan, of_kind

# The condition keys that a service documents for the trust policy of the role that it assumes. A
# service that is missing here is not known to send any.
TRUST_CONDITION_KEYS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/lambda-intro-execution-role.html, "confused
    # deputy": for functions only SourceAccount, because their ARN is unknown before.
    "lambda.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    # https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    "vpc-flow-logs.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    # https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy.html#rds-proxy.limitations: no global condition keys
    "rds.amazonaws.com": set[str](),
    "ec2.amazonaws.com": set[str](),
}
DETAILED_DIMENSIONS = {
    "Method",
    "Resource",
}  # metrics of AWS/ApiGateway that exist only with detailed metrics


@pytest.fixture(params=["dev", "prod"])
def plan(request: pytest.FixtureRequest) -> Plan:
    found: Plan = copy.deepcopy(request.getfixturevalue(request.param))
    return found


def test_trust_policies_use_only_condition_keys_that_the_service_sends(plan: Plan) -> None:
    assert list(unsent_condition_keys(plan)) == []
    role = trusting(plan, "rds.amazonaws.com")
    document = json.loads(role["assume_role_policy"])
    document["Statement"][0]["Condition"] = {"StringEquals": {"aws:SourceAccount": "000000000000"}}
    role["assume_role_policy"] = json.dumps(document)
    assert list(unsent_condition_keys(plan)) == [
        (role["name"], "rds.amazonaws.com", "aws:SourceAccount")
    ]


def unsent_condition_keys(plan: Plan) -> Iterator[tuple[str, str, str]]:
    """Yield (role, service, condition key) for each key that the service does not send.

    Such a role could not be assumed.
    """
    for role in of_kind(plan, "aws_iam_role"):
        for statement in json.loads(role["assume_role_policy"])["Statement"]:
            services = listed(statement["Principal"]["Service"])
            keys = {key for operator in statement.get("Condition", {}).values() for key in operator}
            for service in services:
                for key in sorted(keys - TRUST_CONDITION_KEYS[service]):
                    yield role["name"], service, key


def trusting(plan: Plan, service: str) -> dict[str, Any]:
    [role] = [
        role for role in of_kind(plan, "aws_iam_role") if service in role["assume_role_policy"]
    ]
    return role


def test_detailed_metrics_are_off_unless_an_alarm_or_graph_uses_them(plan: Plan) -> None:
    assert detailed_metrics(plan) == set()
    settings = of_kind(plan, "aws_api_gateway_method_settings")
    settings[0]["settings"][0]["metrics_enabled"] = True
    assert detailed_metrics(plan) == {settings[0]["method_path"]}


def detailed_metrics(plan: Plan) -> set[str]:
    """Return the methods with detailed metrics, which are billed, that no alarm and no graph uses."""
    read = {
        dimension
        for alarm in of_kind(plan, "aws_cloudwatch_metric_alarm")
        if alarm.get("namespace") == "AWS/ApiGateway"
        for dimension in alarm["dimensions"] or {}
    }
    [dashboard] = of_kind(plan, "aws_cloudwatch_dashboard")
    read |= {name for name in DETAILED_DIMENSIONS if f'"{name}"' in dashboard["dashboard_body"]}
    if read & DETAILED_DIMENSIONS:
        return set()
    settings = of_kind(plan, "aws_api_gateway_method_settings")
    return {each["method_path"] for each in settings if each["settings"][0]["metrics_enabled"]}


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
