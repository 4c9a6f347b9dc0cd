"""`make verify ENV=local`, which passes on the running stack and detects faults."""

import json
from collections.abc import Iterator

import pytest

from local_aws.settings import ACCOUNT_ID
from tests.story.checkout import ROOT, Checkout
from tools.deploy.environment import LOCAL, environment

NAME = "atrium-dev-verify"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}},
        }
    ],
}


@pytest.fixture
def alarm() -> Iterator[str]:
    """Create an alarm with a topic, which dev lacks; tests/infra/test_alarm_delivery.py uses
    prod's.
    """
    target = environment(LOCAL)
    sns, cloudwatch = target.client("sns"), target.client("cloudwatch")
    topic = sns.create_topic(Name=NAME, Attributes={"Policy": json.dumps(POLICY)})["TopicArn"]
    cloudwatch.put_metric_alarm(
        AlarmName=NAME, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic],
    )  # fmt: skip
    yield NAME
    cloudwatch.delete_alarms(AlarmNames=[NAME])
    sns.delete_topic(TopicArn=topic)


def test_the_running_stack_keeps_every_promise(alarm: str) -> None:
    status, said = Checkout(ROOT).run("verify", "local")
    assert status == 0, said
    for row in (
        "second plan",
        "alarm",
        "sign-up story",
        "stale change",
        "log line",
        "trace",
        "removal of its user",
    ):
        assert f"✓ {row}" in said
    assert "✗" not in said
    assert f"{alarm}: Successfully executed action" in said
