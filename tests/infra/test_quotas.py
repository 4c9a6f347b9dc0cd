"""AWS's default quotas in the plans of both environments, and a test that each is counted."""

import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from tests.infra import quotas
from tests.infra.quotas import QUOTAS, Quota
from tools.deploy.terraform.offline_plan import Plan, of_kind, one

# Fully used on purpose: the builder refuses a third reader of the stream, and a timeout over 29 s.
FULL = {"readers of a DynamoDB stream", "seconds of a function behind the API"}
MOST_PERCENT = 75


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_a_quarter_of_each_quota_is_left(environment: str, request: pytest.FixtureRequest) -> None:
    plan: Plan = request.getfixturevalue(environment)
    near = []
    for quota in QUOTAS:
        name, use = quota.largest(plan)
        percent = 100 * use // quota.most
        print(
            f"{environment}: {quota.name}: {use} of {quota.most} ({percent} %): {name}; {quota.source}"
        )
        if use > quota.most or (percent > MOST_PERCENT and quota.name not in FULL):
            near.append((quota.name, name, use))
    assert near == []


Exceed = Callable[[Plan, int], None]


def more(kind: str) -> Exceed:
    """Return a change that adds copies of a resource."""

    def change(plan: Plan, most: int) -> None:
        original = of_kind(plan, kind)[0]
        plan.update({f'copies.{kind}.this["{n}"]': original for n in range(most + 1)})

    return change


def longer(kind: str, attribute: str) -> Exceed:
    def change(plan: Plan, most: int) -> None:
        of_kind(plan, kind)[0][attribute] = "x" * (most + 1)

    return change


def items(kind: str, attribute: str, value: Any = None) -> Exceed:
    def change(plan: Plan, most: int) -> None:
        of_kind(plan, kind)[0][attribute] = [value] * (most + 1)

    return change


def environment(plan: Plan, most: int) -> None:
    of_kind(plan, "aws_lambda_function")[0]["environment"] = [{"variables": {"A": "x" * most}}]


def paths(plan: Plan, most: int) -> None:
    body: dict[str, Any] = {"paths": {f"/{n}": {} for n in range(most)}}  # and the root path
    one(plan, "aws_api_gateway_rest_api")["body"] = json.dumps(body)


def imported(plan: Plan, most: int) -> None:
    one(plan, "aws_api_gateway_rest_api")["body"] = json.dumps({"paths": {}, "x": "x" * most})


def slow(plan: Plan, most: int) -> None:
    [access] = [
        each for address, each in plan.items() if address.endswith('function.this["access"]')
    ]
    access["timeout"] = most + 1


def filters(plan: Plan, most: int) -> None:
    mapping = of_kind(plan, "aws_lambda_event_source_mapping")[0]
    mapping["filter_criteria"] = [{"filter": [{"pattern": "{}"}] * (most + 1)}]


def metrics(plan: Plan, most: int) -> None:
    widget = {"properties": {"metrics": [["AWS/Lambda", "Errors"]] * (most + 1)}}
    one(plan, "aws_cloudwatch_dashboard")["dashboard_body"] = json.dumps({"widgets": [widget]})


def rate_rules(plan: Plan, most: int) -> None:
    plan.setdefault("aws_wafv2_web_acl.this", {"name": "own", "rule": []})
    rule: dict[str, Any] = {
        "statement": [{"managed_rule_group_statement": [], "rate_based_statement": [{}]}]
    }
    plan["aws_wafv2_web_acl.this"]["rule"] = [rule] * most


EXCEED: Mapping[str, Exceed] = {
    "inbound rules of a security group": more("aws_vpc_security_group_ingress_rule"),
    "outbound rules of a security group": more("aws_vpc_security_group_egress_rule"),
    "security groups of a network interface": items(
        "aws_db_instance", "vpc_security_group_ids", "sg-1"
    ),
    "security groups of a region": more("aws_security_group"),
    "VPCs of a region": more("aws_vpc"),
    "Elastic IP addresses of a region": more("aws_eip"),
    "subnets of a VPC": more("aws_subnet"),
    "route tables of a VPC": more("aws_route_table"),
    "gateway endpoints of a region": more("aws_vpc_endpoint"),
    "characters of an endpoint's policy": longer("aws_vpc_endpoint", "policy"),
    "characters of a role's inline policies": longer("aws_iam_role_policy", "policy"),
    "characters of a trust policy": longer("aws_iam_role", "assume_role_policy"),
    "roles of an account": more("aws_iam_role"),
    "bytes of a key's policy": longer("aws_kms_key", "policy"),
    "bytes of a function's resource policy": longer("aws_lambda_permission", "source_arn"),
    "bytes of a function's environment": environment,
    "seconds of a function behind the API": slow,
    "filters of an event source mapping": filters,
    "readers of a DynamoDB stream": more("aws_lambda_event_source_mapping"),
    "indexes of a table": items("aws_dynamodb_table", "global_secondary_index"),
    "resources of an API": paths,
    "bytes of an imported API": imported,
    "rules of an event bus": more("aws_cloudwatch_event_rule"),
    "scopes of a resource server": items("aws_cognito_resource_server", "scope"),
    "app clients of a user pool": more("aws_cognito_user_pool_client"),
    "alarms of a region": more("aws_cloudwatch_metric_alarm"),
    "metrics of a widget": metrics,
    "metrics of a dashboard": metrics,
    "secrets of a proxy": items("aws_db_proxy", "auth"),
    "proxies of a region": more("aws_db_proxy"),
    "databases of a region": more("aws_db_instance"),
    "subnets of a subnet group": items("aws_db_subnet_group", "subnet_ids"),
    "bytes of a parameter's value": longer("aws_ssm_parameter", "value"),
    "capacity units of a firewall": rate_rules,
    "per cent of a name's length": longer("aws_sqs_queue", "name"),
}
OF_THE_BUILD = {"layers of a function", "unzipped bytes of a function and its layers"}


def test_every_quota_has_a_way_to_exceed_it() -> None:
    assert {quota.name for quota in QUOTAS} == EXCEED.keys() | OF_THE_BUILD


@pytest.mark.parametrize(
    "quota", [each for each in QUOTAS if each.name in EXCEED], ids=lambda each: each.name
)
def test_exceeding_a_quota_is_reported(prod: Plan, quota: Quota) -> None:
    plan = copy.deepcopy(prod)
    assert quota.largest(plan)[1] <= quota.most
    EXCEED[quota.name](plan, quota.most)
    assert quota.largest(plan)[1] > quota.most


def test_exceeding_a_quota_of_the_build_is_reported(
    prod: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "unzipped_size", lambda _: 100_000_000)
    monkeypatch.setattr("json.loads", lambda _: {"access": ["layer"] * 6})
    exceeded = {
        quota.name
        for quota in QUOTAS
        if quota.name in OF_THE_BUILD and quota.largest(prod)[1] > quota.most
    }
    assert exceeded == OF_THE_BUILD
