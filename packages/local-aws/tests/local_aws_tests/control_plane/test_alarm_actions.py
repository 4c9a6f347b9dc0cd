"""Actions of alarms: a change reaches the topic if the policies of topic and key admit CloudWatch.

The alarm's history records the action.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_aws.control_plane import alarm_actions  # noqa: F401 - it patches moto
from local_aws.settings import ACCOUNT_ID

REGION = "eu-central-1"
SERVICE = {"Service": "cloudwatch.amazonaws.com"}
OWN = {"StringEquals": {"aws:SourceAccount": ACCOUNT_ID}}


@dataclass(frozen=True)
class Topic:
    arn: str
    queue: str

    def messages(self) -> list[dict[str, Any]]:
        sqs = boto3.client("sqs", region_name=REGION)
        found = sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(each["Body"])["Message"]) for each in found]


@pytest.fixture
def topic() -> Iterator[Topic]:
    with mock_aws():
        sns, sqs = (boto3.client(name, region_name=REGION) for name in ("sns", "sqs"))
        arn = sns.create_topic(Name="alarms")["TopicArn"]
        of_sns = {"Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage"}
        queue = sqs.create_queue(QueueName="inbox", Attributes={"Policy": policy(of_sns)})[
            "QueueUrl"
        ]
        sns.subscribe(
            TopicArn=arn, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:inbox"
        )
        yield Topic(arn, queue)


def policy(*statements: dict[str, Any]) -> str:
    allowed = [{"Effect": "Allow", "Resource": "*"} | each for each in statements]
    return json.dumps({"Version": "2012-10-17", "Statement": allowed})


def set_attribute(topic: Topic, name: str, value: str) -> None:
    sns = boto3.client("sns", region_name=REGION)
    sns.set_topic_attributes(TopicArn=topic.arn, AttributeName=name, AttributeValue=value)


def put_alarm(topic: Topic, **more: Any) -> None:
    boto3.client("cloudwatch", region_name=REGION).put_metric_alarm(
        AlarmName="errors", Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[topic.arn], **more,
    )  # fmt: skip


def set_state(state: str) -> None:
    boto3.client("cloudwatch", region_name=REGION).set_alarm_state(
        AlarmName="errors", StateValue=state, StateReason="a test"
    )


def history(**filters: Any) -> list[str]:
    cloudwatch = boto3.client("cloudwatch", region_name=REGION)
    pages = cloudwatch.get_paginator("describe_alarm_history").paginate(**filters)
    return [item["HistorySummary"] for page in pages for item in page["AlarmHistoryItems"]]


def actions() -> list[str]:
    return history(AlarmName="errors", HistoryItemType="Action")


def test_a_changed_alarm_reaches_its_topic(topic: Topic) -> None:
    put_alarm(topic)
    set_state("ALARM")
    [message] = topic.messages()
    assert (message["AlarmName"], message["OldStateValue"], message["NewStateValue"]) == (
        "errors",
        "OK",
        "ALARM",
    )
    assert actions() == [f"Successfully executed action {topic.arn}"]


def test_an_unchanged_state_has_no_action(topic: Topic) -> None:
    put_alarm(topic, OKActions=[topic.arn])
    set_state("OK")
    assert history() == []
    set_state("ALARM")
    set_state("ALARM")
    set_state("OK")
    assert len(actions()) == 2
    assert [each["NewStateValue"] for each in topic.messages()] == ["ALARM", "OK"]


def test_disabled_actions_do_not_run(topic: Topic) -> None:
    put_alarm(topic, ActionsEnabled=False)
    set_state("ALARM")
    assert history() == ["Alarm updated from OK to ALARM"]
    assert topic.messages() == []


def test_the_history_is_filtered_and_paged(topic: Topic) -> None:
    put_alarm(topic)
    set_state("ALARM")
    now = datetime.now(UTC)
    assert history(StartDate=now + timedelta(hours=1)) == []
    assert history(EndDate=now - timedelta(hours=1)) == []
    assert history(AlarmName="other") == []
    assert history(AlarmTypes=["CompositeAlarm"]) == []
    whole = history(ScanBy="TimestampAscending")
    assert [each.split()[0] for each in whole] == ["Alarm", "Successfully"]
    assert history(ScanBy="TimestampAscending", PaginationConfig={"PageSize": 1}) == whole


Spoil = Callable[[Topic], None]


def with_key(*statements: dict[str, Any]) -> Spoil:
    def encrypt(topic: Topic) -> None:
        kms = boto3.client("kms", region_name=REGION)
        key = kms.create_key(Policy=policy(*statements))["KeyMetadata"]
        set_attribute(topic, "KmsMasterKeyId", key["Arn"])

    return encrypt


def with_policy(*statements: dict[str, Any]) -> Spoil:
    return lambda topic: set_attribute(topic, "Policy", policy(*statements))


def with_the_managed_key(topic: Topic) -> None:
    set_attribute(topic, "KmsMasterKeyId", "alias/aws/sns")


BOTH = ["kms:Decrypt", "kms:GenerateDataKey*"]
OTHER = {"StringEquals": {"aws:SourceAccount": "111111111111"}}


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (with_policy({"Principal": SERVICE, "Action": "sns:Publish", "Condition": OWN}), None),
        (with_key({"Principal": SERVICE, "Action": BOTH, "Condition": OWN}), None),
        (with_policy({"Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}), "not authorized to perform: SNS:Publish"),
        (with_policy({"Principal": SERVICE, "Action": "sns:Publish", "Condition": OTHER}), "not authorized to perform: SNS:Publish"),
        (with_key({"Principal": SERVICE, "Action": "kms:Decrypt"}), "access the SNS topic encryption key"),
        (with_key({"Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"}, "Action": "kms:*"}), "access the SNS topic encryption key"),
        (with_the_managed_key, "access the SNS topic encryption key"),
    ],
)  # fmt: skip
def test_the_policies_of_topic_and_key_decide(
    topic: Topic, spoil: Spoil, error: str | None
) -> None:
    spoil(topic)
    put_alarm(topic)
    set_state("ALARM")
    [action] = actions()
    assert len(topic.messages()) == (error is None)
    assert action.startswith("Successfully executed" if error is None else "Failed to execute")
    assert (error or "") in action
