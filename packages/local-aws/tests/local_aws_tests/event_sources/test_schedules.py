"""Scheduled rules, which invoke functions when they are due and permitted."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.request_model.schedule_expression import next_due
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.lambda_service.laptop import REGION


def schedule(
    harness: EventSourceHarness,
    function: Recorder,
    expression: str,
    *,
    permitted: bool = True,
    **target: Any,
) -> str:
    """Create a scheduled rule. Return its ARN."""
    events = harness.aws.client("events")
    rule = events.put_rule(Name=function.name, ScheduleExpression=expression)["RuleArn"]
    events.put_targets(Rule=function.name, Targets=[{"Id": "it", "Arn": function.arn, **target}])
    harness.functions.add_permission(
        FunctionName=function.name, StatementId="rule", Action="lambda:InvokeFunction", Principal="events.amazonaws.com",
        SourceArn=rule if permitted else f"{rule}-of-another",
    )  # fmt: skip
    wait(lambda: rule in harness.due())
    return str(rule)


def test_a_rate_fires_each_period_with_awss_event(harness: EventSourceHarness) -> None:
    function, before = (
        Recorder(harness.aws, "rated"),
        datetime.now(UTC).replace(microsecond=0) + harness.aws.ahead,
    )
    rule = schedule(harness, function, "rate(5 minutes)")
    assert not function.events
    harness.aws.ahead += timedelta(minutes=5)
    wait(lambda: len(function.events) == 1)
    after = datetime.now(UTC) + harness.aws.ahead
    harness.aws.ahead += timedelta(minutes=5)
    wait(lambda: len(function.events) == 2)
    event, second = function.events
    assert event.pop("id") != second["id"]
    at = datetime.strptime(event.pop("time"), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before + timedelta(minutes=5) <= at <= after
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "region": REGION,
        "resources": [rule],
        "detail": {},
    }


def test_a_cron_expression_fires_with_the_targets_input(harness: EventSourceHarness) -> None:
    function = Recorder(harness.aws, "nightly")
    schedule(harness, function, "cron(0 3 * * ? *)", Input=json.dumps({"job": "sweep"}))
    harness.aws.ahead += timedelta(days=1)
    wait(lambda: function.events == [{"job": "sweep"}])


def test_a_disabled_rule_and_one_without_permission_invoke_nothing(
    harness: EventSourceHarness,
) -> None:
    refused, disabled, heard = (
        Recorder(harness.aws, name) for name in ("refused", "disabled", "heard")
    )
    schedule(harness, refused, "rate(1 minute)", permitted=False)
    schedule(harness, disabled, "rate(1 minute)")
    harness.aws.client("events").disable_rule(Name="disabled")
    schedule(harness, heard, "rate(1 minute)")
    harness.aws.ahead += timedelta(minutes=1)
    wait(lambda: len(heard.events) == 1)
    assert not refused.events
    assert not disabled.events


@pytest.mark.parametrize(
    "expression",
    ["rate(1 minutes)", "rate(5 minute)", "cron(0 3 * * * *)", "cron(0 3 * *)", "daily"],
)
def test_an_invalid_expression_is_refused(harness: EventSourceHarness, expression: str) -> None:
    with pytest.raises(ClientError, match="Parameter ScheduleExpression is not valid"):
        harness.aws.client("events").put_rule(Name="bad", ScheduleExpression=expression)


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 day)", "2026-03-05T10:20:00"),
        ("cron(15 10 * * ? *)", "2026-03-05T10:15:00"),
        ("cron(0/15 8-17 ? * MON-FRI *)", "2026-03-04T10:30:00"),
        ("cron(0 8 1 * ? *)", "2026-04-01T08:00:00"),
        ("cron(0 9 L * ? *)", "2026-03-31T09:00:00"),
        ("cron(0 9 ? * 6#2 *)", "2026-03-13T09:00:00"),  # the second Friday
        ("cron(0 9 1W * ? *)", "2026-04-01T09:00:00"),
        ("cron(0 0 1 1 ? 2027)", "2027-01-01T00:00:00"),
        ("cron(0 0 1 1 ? 2025)", None),
    ],
)  # fmt: skip
def test_the_next_time_follows_from_the_expression(expression: str, due: str | None) -> None:
    found = next_due(expression, datetime(2026, 3, 4, 10, 20, tzinfo=UTC))  # a Wednesday
    assert (found and found.isoformat()) == (due and f"{due}+00:00")
