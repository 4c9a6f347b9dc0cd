"""The row *alarm* of `make verify`, on the laptop's AWS with the alarms, topic and key of prod's plan."""

import copy
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_aws.control_plane import alarm_actions  # noqa: F401 - it patches moto
from tools.deploy.environment import Environment
from tools.deploy.terraform.offline_plan import Plan, of_kind, one
from tools.operations import verify
from tools.operations.account_checks import Row
from tools.operations.verify import Run

REGION = "eu-central-1"
KEY = 'aws_kms_key.telemetry["prod"]'
ALARM = "atrium-prod-api-5xx"


class Moto(Environment):
    """An environment on moto, in this process."""

    def client(self, service: str, config: object = None) -> Any:
        return boto3.client(service, region_name=REGION)  # type: ignore[call-overload]


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


@pytest.fixture
def plan(prod: Plan) -> Plan:
    return copy.deepcopy(prod)


def made(plan: Plan) -> Row:
    """Create the alarms of the plan. Return the row that `make verify` would show."""
    key = boto3.client("kms", region_name=REGION).create_key(Policy=plan[KEY]["policy"])
    topic = one(plan, "aws_sns_topic")
    attributes = {
        "KmsMasterKeyId": key["KeyMetadata"]["Arn"],
        "Policy": one(plan, "aws_sns_topic_policy")["policy"],
    }
    boto3.client("sns", region_name=REGION).create_topic(Name=topic["name"], Attributes=attributes)
    put_alarms(plan)
    functions = {"functions": {"meta": "atrium-prod-meta"}}
    [row] = verify._alarm(Run(Moto("prod", functions), None))
    return row


def put_alarms(plan: Plan) -> None:
    [alarm] = [
        each for each in of_kind(plan, "aws_cloudwatch_metric_alarm") if each["alarm_name"] == ALARM
    ]
    boto3.client("cloudwatch", region_name=REGION).put_metric_alarm(
        AlarmName=alarm["alarm_name"],
        ActionsEnabled=alarm["actions_enabled"],
        AlarmActions=alarm["alarm_actions"],
        OKActions=alarm["ok_actions"] or [],
        ComparisonOperator=alarm["comparison_operator"],
        EvaluationPeriods=alarm["evaluation_periods"],
        MetricName=alarm["metric_name"],
        Namespace=alarm["namespace"],
        Period=alarm["period"],
        Statistic=alarm["statistic"],
        Threshold=alarm["threshold"],
    )


def test_an_alarm_of_prod_reaches_its_topic(aws: None, plan: Plan) -> None:
    row = made(plan)
    assert row.ok, row
    assert row.found.startswith(f"{ALARM}: Successfully executed action")


def edited(document: str, **changes: Any) -> str:
    content = json.loads(document)
    for statement in content["Statement"]:
        if statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}:
            statement.update(changes)
    return json.dumps(content)


def close_the_topic(plan: Plan) -> None:
    policy = one(plan, "aws_sns_topic_policy")
    policy["policy"] = edited(policy["policy"], Principal={"Service": "events.amazonaws.com"})


def open_the_topic_to_another_account(plan: Plan) -> None:
    policy = one(plan, "aws_sns_topic_policy")
    other = {"StringEquals": {"aws:SourceAccount": "111111111111"}}
    policy["policy"] = edited(policy["policy"], Condition=other)


def close_the_key(plan: Plan) -> None:
    plan[KEY]["policy"] = edited(plan[KEY]["policy"], Action="kms:Decrypt")


def disable_actions(plan: Plan) -> None:
    for alarm in of_kind(plan, "aws_cloudwatch_metric_alarm"):
        alarm["actions_enabled"] = False


@pytest.mark.parametrize(
    ("break_", "told"),
    [
        (close_the_topic, "not authorized to perform: SNS:Publish"),
        (open_the_topic_to_another_account, "not authorized to perform: SNS:Publish"),
        (close_the_key, "authorization to access the SNS topic encryption key"),
        (disable_actions, "no action was taken"),
    ],
)
def test_the_row_fails_when_the_message_cannot_arrive(
    aws: None,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    break_: Callable[[Plan], None],
    told: str,
) -> None:
    monkeypatch.setattr(verify, "SEEN_SECONDS", 0.0)
    break_(plan)
    row = made(plan)
    assert row.ok is False
    assert told in row.found
