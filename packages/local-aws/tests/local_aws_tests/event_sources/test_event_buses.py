"""EventBridge: events reach the targets of matching rules, or a target's dead-letter queue."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.aws_call import AwsCall
from local_aws.control_plane.changed_parts import changed_parts
from local_aws.moto_state.parts import Part
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.lambda_service.laptop import REGION

PATTERN = {"source": ["app"], "detail": {"kind": [{"prefix": "user."}]}}


def bus(harness: EventSourceHarness, name: str, **target: Any) -> str:
    """Create a bus with one rule and one target. Return the rule's ARN."""
    events = harness.aws.client("events")
    events.create_event_bus(Name=name)
    rule = events.put_rule(Name=name, EventBusName=name, EventPattern=json.dumps(PATTERN))
    events.put_targets(Rule=name, EventBusName=name, Targets=[{"Id": "it", **target}])
    return str(rule["RuleArn"])


def queue(harness: EventSourceHarness, name: str, rule: str) -> tuple[str, str]:
    """Create a queue that admits the rule's messages. Return its URL and ARN."""
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:{name}"
    statement = {
        "Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
        "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
    }  # fmt: skip
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return harness.queue(name, Policy=policy)


def rule_arn(name: str) -> str:
    return f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{name}/{name}"


def put(harness: EventSourceHarness, name: str, *kinds: str, **fields: str) -> Any:
    entries = [
        {"EventBusName": name, "Source": "app", "DetailType": "t"}
        | {"Detail": json.dumps({"kind": kind})}
        | fields
        for kind in kinds
    ]
    return harness.aws.client("events").put_events(Entries=entries)


def test_matching_events_reach_a_queue_in_order(harness: EventSourceHarness) -> None:
    url, arn = queue(harness, "matching", rule_arn("matching"))
    assert bus(harness, "matching", Arn=arn) == rule_arn("matching")
    put(harness, "matching", "user.ignored", Source="another")
    answer = put(harness, "matching", "user.created", "order.placed", "user.deleted")
    received = [json.loads(each["Body"]) for each in harness.messages(url, 2)]
    assert answer["FailedEntryCount"] == 0
    assert [each["detail"]["kind"] for each in received] == ["user.created", "user.deleted"]
    assert [each["id"] for each in received] == [
        answer["Entries"][position]["EventId"] for position in (0, 2)
    ]
    event = received[0]
    assert (event["source"], event["detail-type"], event["region"]) == ("app", "t", REGION)


def test_a_function_receives_the_event_if_its_policy_admits_the_rule(
    harness: EventSourceHarness,
) -> None:
    function = Recorder(harness.aws, "on-the-bus")
    dead, dead_arn = queue(harness, "on-the-bus-dead", rule_arn("on-the-bus"))
    rule = bus(harness, "on-the-bus", Arn=function.arn, DeadLetterConfig={"Arn": dead_arn})
    put(harness, "on-the-bus", "user.refused")
    [refused] = harness.messages(dead, 1)
    attributes = {name: each["StringValue"] for name, each in refused["MessageAttributes"].items()}
    assert json.loads(refused["Body"])["detail"] == {"kind": "user.refused"}
    assert (attributes["RULE_ARN"], attributes["TARGET_ARN"]) == (rule, function.arn)
    assert attributes["ERROR_CODE"] == "NO_PERMISSIONS"
    harness.functions.add_permission(
        FunctionName=function.name, StatementId="rule", Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com", SourceArn=rule,
    )  # fmt: skip
    put(harness, "on-the-bus", "user.created")
    wait(lambda: [each["detail"]["kind"] for each in function.events] == ["user.created"])


def test_a_queue_that_does_not_admit_the_rule_receives_nothing(harness: EventSourceHarness) -> None:
    url, arn = queue(harness, "foreign", rule_arn("another"))
    dead, dead_arn = queue(harness, "foreign-dead", rule_arn("foreign"))
    bus(harness, "foreign", Arn=arn, DeadLetterConfig={"Arn": dead_arn})
    put(harness, "foreign", "user.created")
    assert len(harness.messages(dead, 1)) == 1
    assert "Messages" not in harness.queues.receive_message(QueueUrl=url)


def test_a_disabled_rule_delivers_nothing(harness: EventSourceHarness) -> None:
    url, arn = queue(harness, "disabled", rule_arn("disabled"))
    bus(harness, "disabled", Arn=arn)
    harness.aws.client("events").disable_rule(Name="disabled", EventBusName="disabled")
    put(harness, "disabled", "user.created")
    assert "Messages" not in harness.queues.receive_message(QueueUrl=url)


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"Detail": "{"}, "MalformedDetail"), ({"Source": ""}, "InvalidArgument")],
)
def test_an_invalid_entry_does_not_affect_the_others(
    harness: EventSourceHarness, fields: dict[str, str], code: str
) -> None:
    good = {"Source": "app", "DetailType": "t", "Detail": "{}"}
    answer = harness.aws.client("events").put_events(Entries=[good | fields, good])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][0]["ErrorCode"] == code
    assert answer["Entries"][1]["EventId"]


@pytest.mark.parametrize(
    ("rule", "message"),
    [({"wildcard": "a*"}, "`wildcard`.*not emulated"), ({"odd": 1}, "Event pattern is not valid")],
)
def test_a_pattern_that_can_match_nothing_is_refused(
    harness: EventSourceHarness, rule: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        harness.aws.client("events").put_rule(
            Name="bad", EventPattern=json.dumps({"source": [rule]})
        )


def test_an_unsupported_target_is_refused(harness: EventSourceHarness) -> None:
    with pytest.raises(ClientError, match="targets of the service `sns`"):
        bus(harness, "topic", Arn=f"arn:aws:sns:{REGION}:{ACCOUNT_ID}:topic")


def test_a_delivered_event_survives_a_kill(harness: EventSourceHarness) -> None:
    """Check the journal: it keeps the queues that PutEvents may have filled, not only EventBridge's
    data.
    """
    harness.queue("kept")
    call = AwsCall("events", "POST", "/", "", {}, b"{}", REGION, "PutEvents")
    assert Part("queue", (REGION, "kept")) in (changed_parts(call) or [])
