"""Asynchronous invocations: retries, their end, and the records at destinations in AWS's form."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness
from local_aws_tests.lambda_service.laptop import REGION, Loop, laptop

FAILS = """
import os
def handler(event, context):
    with open(os.environ["NOTE"], "a") as note:
        note.write(context.aws_request_id + "\\n")
    raise ValueError("as told")
"""
WORKS = "def handler(event, context): return {'got': event}"


@pytest.fixture(scope="module")
def harness(
    runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EventSourceHarness]:
    """Start a laptop whose retries come at once; AWS waits one and two minutes."""
    loop = Loop()
    with laptop(
        loop, tmp_path_factory.mktemp("checkout"), runtime, retry_seconds=(0.05, 0.05)
    ) as aws:
        yield EventSourceHarness(aws)
    loop.close()


def deploy(harness: EventSourceHarness, name: str, code: str, **options: Any) -> Path:
    """Deploy a function that records the request id of each attempt."""
    note = harness.aws.settings.root / f"note-{name}"
    harness.aws.deploy(name, code, Environment={"Variables": {"NOTE": str(note)}}, **options)
    return note


def accept(harness: EventSourceHarness, name: str, event: object, **options: Any) -> str:
    """Invoke a function. Return the request id."""
    answer = harness.functions.invoke(
        FunctionName=name, InvocationType="Event", Payload=json.dumps(event).encode(), **options
    )
    assert answer["StatusCode"] == 202
    return str(answer["ResponseMetadata"]["RequestId"])


def destinations(**arns: str) -> dict[str, Any]:
    return {"DestinationConfig": {name: {"Destination": arn} for name, arn in arns.items()}}


def test_three_attempts_of_one_request_end_in_a_record_of_the_failure(
    harness: EventSourceHarness,
) -> None:
    url, queue = harness.queue("failures")
    note = deploy(harness, "fails", FAILS)
    harness.functions.put_function_event_invoke_config(
        FunctionName="fails", **destinations(OnFailure=queue)
    )
    request_id = accept(harness, "fails", {"n": 1})
    (message,) = harness.messages(url, 1)
    assert note.read_text().split() == [request_id] * 3
    record = json.loads(message["Body"])
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT_ID}:function:fails:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorMessage"] == "as told"
    assert record["version"] == "1.0"
    assert record.keys() == {
        "version", "timestamp", "requestContext", "requestPayload", "responseContext", "responsePayload"
    }  # fmt: skip


def test_an_alias_has_a_configuration_of_its_own(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("alias-failures")
    note = deploy(harness, "aliased", FAILS, Publish=True)
    client = harness.functions
    client.create_alias(FunctionName="aliased", Name="live", FunctionVersion="1")
    client.put_function_event_invoke_config(
        FunctionName="aliased", Qualifier="live", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60,
        **destinations(OnFailure=queue),
    )  # fmt: skip
    accept(harness, "aliased", 1, Qualifier="live")
    (message,) = harness.messages(url, 1)
    assert len(note.read_text().split()) == 1
    context = json.loads(message["Body"])["requestContext"]
    assert (context["functionArn"].rpartition(":")[2], context["approximateInvokeCount"]) == (
        "live",
        1,
    )
    with pytest.raises(ClientError, match="doesn't have an EventInvokeConfig"):
        client.get_function_event_invoke_config(FunctionName="aliased")


def test_a_configuration_is_created_changed_and_deleted(harness: EventSourceHarness) -> None:
    deploy(harness, "configured", WORKS)
    client = harness.functions
    client.put_function_event_invoke_config(FunctionName="configured", MaximumRetryAttempts=1)
    client.update_function_event_invoke_config(
        FunctionName="configured", MaximumEventAgeInSeconds=90
    )
    read = client.get_function_event_invoke_config(FunctionName="configured")
    assert (read["MaximumRetryAttempts"], read["MaximumEventAgeInSeconds"]) == (1, 90)
    client.put_function_event_invoke_config(FunctionName="configured", MaximumEventAgeInSeconds=120)
    assert "MaximumRetryAttempts" not in client.get_function_event_invoke_config(
        FunctionName="configured"
    )
    (listed,) = client.list_function_event_invoke_configs(FunctionName="configured")[
        "FunctionEventInvokeConfigs"
    ]
    assert listed["MaximumEventAgeInSeconds"] == 120
    client.delete_function_event_invoke_config(FunctionName="configured")
    assert (
        client.list_function_event_invoke_configs(FunctionName="configured")[
            "FunctionEventInvokeConfigs"
        ]
        == []
    )


def test_success_is_sent_to_a_queue_and_to_another_function(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("successes")
    deploy(harness, "works", WORKS)
    harness.functions.put_function_event_invoke_config(
        FunctionName="works", **destinations(OnSuccess=queue)
    )
    first = harness.aws.deploy("first", WORKS)["FunctionArn"]
    works = first.replace(":first", ":works")
    harness.functions.put_function_event_invoke_config(
        FunctionName="first", **destinations(OnSuccess=works)
    )
    accept(harness, "first", "hi")
    (message,) = harness.messages(url, 1)
    last = json.loads(message["Body"])
    assert (
        last["requestContext"]["condition"],
        last["requestContext"]["approximateInvokeCount"],
    ) == ("Success", 1)
    assert last["requestPayload"]["responsePayload"] == {"got": "hi"}
    assert last["responsePayload"] == {"got": last["requestPayload"]}


def test_the_dead_letter_queue_gets_the_original_event(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("dead")
    deploy(harness, "dying", FAILS, DeadLetterConfig={"TargetArn": queue})
    read = harness.functions.get_function_configuration(FunctionName="dying")
    assert read["DeadLetterConfig"] == {"TargetArn": queue}
    request_id = accept(harness, "dying", {"as": "it was"})
    (message,) = harness.messages(url, 1)
    assert json.loads(message["Body"]) == {"as": "it was"}
    attributes = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "as told"}


def test_reserved_concurrency_of_zero_fails_without_a_retry(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("switched-off")
    note = deploy(harness, "off", FAILS)
    harness.functions.put_function_concurrency(FunctionName="off", ReservedConcurrentExecutions=0)
    harness.functions.put_function_event_invoke_config(
        FunctionName="off", **destinations(OnFailure=queue)
    )
    accept(harness, "off", 1)
    (message,) = harness.messages(url, 1)
    context = json.loads(message["Body"])["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == (
        "ZeroReservedConcurrency",
        0,
    )
    assert not note.exists()


def test_an_event_that_is_too_old_is_discarded_even_after_a_restart(
    harness: EventSourceHarness,
) -> None:
    """Check that accepted events are stored on moto's backend, so that a restarted stack continues
    with their age.
    """
    url, queue = harness.queue("too-late")
    note = deploy(harness, "late", FAILS)
    harness.functions.put_function_event_invoke_config(
        FunctionName="late", MaximumEventAgeInSeconds=60, **destinations(OnFailure=queue)
    )
    aws = harness.aws

    async def stopped_and_started_two_minutes_later() -> None:
        accepted = aws.functions.accept("late", b'"old"', region=REGION)
        await aws.functions._asynchronous.close()  # before its task has begun
        waiting = aws.additions().accepted_events
        waiting[accepted]["at"] -= 120
        aws.functions._asynchronous.start()

    aws.loop.run(stopped_and_started_two_minutes_later())
    (message,) = harness.messages(url, 1)
    assert json.loads(message["Body"])["requestContext"]["condition"] == "EventAgeExceeded"
    assert not note.exists()
    assert aws.additions().accepted_events == {}


def test_a_retry_that_would_exceed_the_age_is_discarded_at_once(
    harness: EventSourceHarness,
) -> None:
    url, queue = harness.queue("no-time-left")
    note = deploy(harness, "ages", FAILS)
    harness.functions.put_function_event_invoke_config(
        FunctionName="ages", MaximumEventAgeInSeconds=60, **destinations(OnFailure=queue)
    )
    asynchronous = harness.aws.functions._asynchronous
    asynchronous._retry_seconds, before = (61.0, 61.0), asynchronous._retry_seconds
    try:
        request_id = accept(harness, "ages", {"n": 1})
        (message,) = harness.messages(url, 1)
    finally:
        asynchronous._retry_seconds = before
    record = json.loads(message["Body"])
    assert note.read_text().split() == [request_id]
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert record["responseContext"]["functionError"] == "Unhandled"


def test_a_record_has_the_trace_id_of_its_invocation(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("traced")
    deploy(harness, "traced", WORKS)
    harness.functions.put_function_event_invoke_config(
        FunctionName="traced", **destinations(OnSuccess=queue)
    )
    header = "Root=1-00000000-000000000000000000000001"

    async def accepted() -> None:
        harness.aws.functions.accept("traced", b"1", trace_header=header, region=REGION)

    harness.aws.loop.run(accepted())
    (message,) = harness.messages(url, 1)
    assert message["Attributes"]["AWSTraceHeader"] == header


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"MaximumRetryAttempts": 3}, "MaximumRetryAttempts is 3; it must be between 0 and 2"),
        (
            destinations(OnFailure=f"arn:aws:events:{REGION}:{ACCOUNT_ID}:event-bus/default"),
            "NotEmulated",
        ),
    ],
)
def test_an_invalid_configuration_is_refused(
    harness: EventSourceHarness, options: dict[str, Any], said: str
) -> None:
    name = f"refused-{len(said)}"
    deploy(harness, name, WORKS)
    with pytest.raises(ClientError, match=said):
        harness.functions.put_function_event_invoke_config(FunctionName=name, **options)


def test_the_role_must_be_allowed_to_send(harness: EventSourceHarness) -> None:
    deploy(harness, "mute", WORKS)
    _, queue = harness.queue("unreachable")
    harness.allow(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "sqs:Get*", "Resource": "*"}],
        }
    )
    try:
        with pytest.raises(ClientError, match="does not have permissions to call SendMessage"):
            harness.functions.put_function_event_invoke_config(
                FunctionName="mute", **destinations(OnFailure=queue)
            )
    finally:
        harness.allow_all()
