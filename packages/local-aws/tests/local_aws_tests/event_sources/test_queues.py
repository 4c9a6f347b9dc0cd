"""SQS queues as event sources: processed messages are deleted, others return and end in the
dead-letter queue.
"""

import json
from itertools import chain
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.lambda_service.laptop import REGION


def bodies(function: Recorder) -> list[str]:
    return [record["body"] for record in chain(*function.batches)]


def left(harness: EventSourceHarness, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = harness.queues.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, found.values()))


def test_messages_have_awss_form_and_are_deleted_once_processed(
    harness: EventSourceHarness,
) -> None:
    (url, queue), function = harness.queue("plain"), Recorder(harness.aws, "plain")
    attributes = {"kind": {"DataType": "String", "StringValue": "odd"}}
    sent = harness.queues.send_message(
        QueueUrl=url, MessageBody="hello", MessageAttributes=attributes
    )
    harness.map(queue, "plain")
    wait(lambda: bool(function.batches) and left(harness, url) == 0)
    ((record,),) = function.batches
    assert record.pop("receiptHandle")
    system = record.pop("attributes")
    assert system.keys() == {
        "ApproximateReceiveCount", "SentTimestamp", "SenderId", "ApproximateFirstReceiveTimestamp"
    }  # fmt: skip
    assert system["ApproximateReceiveCount"] == "1"
    assert record == {
        "messageId": sent["MessageId"],
        "body": "hello",
        "messageAttributes": {
            "kind": {
                "stringValue": "odd",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": queue,
        "awsRegion": REGION,
    }


def test_a_failing_message_is_retried_and_then_moved_to_the_dead_letter_queue(
    harness: EventSourceHarness,
) -> None:
    dead_url, dead = harness.queue("redriven-dead")
    policy = json.dumps({"deadLetterTargetArn": dead, "maxReceiveCount": 2})
    url, queue = harness.queue("redriven", VisibilityTimeout="1", RedrivePolicy=policy)
    function = Recorder(harness.aws, "redriven", Timeout=1)
    function.answers("raise ValueError('as told')")
    harness.map(queue, "redriven")
    harness.queues.send_message(QueueUrl=url, MessageBody="bad")
    (message,) = harness.messages(dead_url, 1)
    assert message["Body"] == "bad"
    counts = [
        record["attributes"]["ApproximateReceiveCount"] for record in chain(*function.batches)
    ]
    assert counts == ["1", "2"]
    assert left(harness, url) == 0


def test_only_the_items_reported_as_failed_are_retried(harness: EventSourceHarness) -> None:
    url, queue = harness.queue("named", VisibilityTimeout="3")
    function = Recorder(harness.aws, "named", Timeout=3)
    function.answers(
        "bad = [r['messageId'] for r in event['Records'] if r['body'] == 'bad' and r['attributes']['ApproximateReceiveCount'] == '1']\n"
        "answer = {'batchItemFailures': [{'itemIdentifier': each} for each in bad]}"
    )
    entries = [{"Id": body, "MessageBody": body} for body in ("good", "bad", "fine")]
    harness.queues.send_message_batch(QueueUrl=url, Entries=entries)
    harness.map(queue, "named", FunctionResponseTypes=["ReportBatchItemFailures"])
    wait(lambda: len(function.batches) == 2 and left(harness, url) == 0)
    assert bodies(function) == ["good", "bad", "fine", "bad"]


def test_filters_match_a_json_body_and_delete_the_rest(harness: EventSourceHarness) -> None:
    (url, queue), function = harness.queue("picky"), Recorder(harness.aws, "picky")
    pattern = json.dumps({"body": {"kind": ["order"]}})
    harness.map(queue, "picky", FilterCriteria={"Filters": [{"Pattern": pattern}]})
    for body in (
        '{"kind": "order", "n": 1}',
        '{"kind": "other"}',
        "plain",
        '{"kind": "order", "n": 2}',
    ):
        harness.queues.send_message(QueueUrl=url, MessageBody=body)
    wait(lambda: len(bodies(function)) == 2 and left(harness, url) == 0)
    assert sorted(json.loads(body)["n"] for body in bodies(function)) == [1, 2]


@pytest.mark.parametrize(
    ("attributes", "options", "said"),
    [
        (
            {"VisibilityTimeout": "1"},
            {},
            "visibility timeout: 1 seconds is less than Function timeout: 3",
        ),
        ({}, {"BatchSize": 11}, "batch window in seconds must be greater than 0"),
    ],
)
def test_an_invalid_mapping_is_refused(
    harness: EventSourceHarness, attributes: dict[str, str], options: dict[str, Any], said: str
) -> None:
    name = f"refused-{len(attributes)}"
    (_, queue), _ = harness.queue(name, **attributes), Recorder(harness.aws, name, Timeout=3)
    with pytest.raises(ClientError, match=said):
        harness.map(queue, name, **options)


def test_a_queue_must_exist(harness: EventSourceHarness) -> None:
    Recorder(harness.aws, "queueless")
    with pytest.raises(ClientError, match="QueueDoesNotExist"):
        harness.map(f"arn:aws:sqs:{REGION}:{ACCOUNT_ID}:absent", "queueless")


def test_a_fifo_group_keeps_its_order_when_messages_return(harness: EventSourceHarness) -> None:
    """Let the function stop at the first failure and report all remaining messages, as AWS
    recommends.
    """
    url, queue = harness.queue("ordered.fifo", VisibilityTimeout="1", FifoQueue="true")
    function = Recorder(harness.aws, "ordered", Timeout=1)
    function.answers(
        "import os\nfolder = os.environ['FOLDER']\n"
        "rest = [r['messageId'] for r in event['Records'] if r['body'] != 'first']\n"
        "once = not os.path.exists(folder + '/failed') and rest\n"
        "if once: open(folder + '/failed', 'w').close()\n"
        "answer = {'batchItemFailures': [{'itemIdentifier': each} for each in rest if once]}"
    )
    names = ["first", *(f"number {number}" for number in range(8))]
    entries = [
        {
            "Id": str(number),
            "MessageBody": name,
            "MessageGroupId": "g",
            "MessageDeduplicationId": name,
        }
        for number, name in enumerate(names)
    ]
    harness.queues.send_message_batch(QueueUrl=url, Entries=entries)
    harness.map(queue, "ordered", FunctionResponseTypes=["ReportBatchItemFailures"])
    wait(lambda: len(bodies(function)) >= 2 * len(names) - 1 and left(harness, url) == 0)
    assert bodies(function) == [*names, *names[1:]]


def test_a_fifo_group_waits_for_its_last_message_in_flight(harness: EventSourceHarness) -> None:
    """Let two batches of a group end at different times: nothing is received before the later one
    ends.
    """
    url, _ = harness.queue("in-flight.fifo", VisibilityTimeout="0", FifoQueue="true")
    for name in ("first", "second"):
        harness.queues.send_message(
            QueueUrl=url, MessageBody=name, MessageGroupId="g", MessageDeduplicationId=name
        )
    first, second = harness.queues.receive_message(
        QueueUrl=url, MaxNumberOfMessages=2, VisibilityTimeout=60
    )["Messages"]
    harness.queues.change_message_visibility(
        QueueUrl=url, ReceiptHandle=first["ReceiptHandle"], VisibilityTimeout=0
    )
    assert "Messages" not in harness.queues.receive_message(QueueUrl=url, MaxNumberOfMessages=2)
    harness.queues.change_message_visibility(
        QueueUrl=url, ReceiptHandle=second["ReceiptHandle"], VisibilityTimeout=0
    )
    received: list[str] = []

    def arrived() -> bool:
        answer = harness.queues.receive_message(
            QueueUrl=url, MaxNumberOfMessages=2, VisibilityTimeout=60
        )
        received.extend(message["Body"] for message in answer.get("Messages", []))
        return len(received) == 2

    wait(arrived)
    assert received == ["first", "second"]
