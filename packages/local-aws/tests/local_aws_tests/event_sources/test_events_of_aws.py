import time
from datetime import timedelta

from local_aws_tests.event_shape import assert_as_published
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.event_sources.test_schedules import schedule


def test_a_stream_record_has_the_keys_of_aws(harness: EventSourceHarness) -> None:
    stream, function = harness.table("shaped"), Recorder(harness.aws, "shaped")
    harness.map(stream, "shaped")
    harness.put("shaped", "k", a={"N": "1"})
    harness.put("shaped", "old", expires_at={"N": str(int(time.time()) - 10)})
    harness.tables.update_time_to_live(
        TableName="shaped", TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"}
    )
    wait(
        lambda: (
            [record["eventName"] for batch in function.batches for record in batch][-1:]
            == ["REMOVE"]
        )
    )
    first, *_, last = [record for batch in function.batches for record in batch]
    assert_as_published("stream", first)
    assert_as_published("expiry", last)


def test_a_queue_message_has_the_keys_of_aws(harness: EventSourceHarness) -> None:
    (url, queue), function = harness.queue("shaped"), Recorder(harness.aws, "queued")
    harness.queues.send_message(
        QueueUrl=url,
        MessageBody="hello",
        MessageAttributes={"kind": {"DataType": "String", "StringValue": "odd"}},
    )
    harness.map(queue, "queued")
    wait(lambda: bool(function.batches))
    assert_as_published("queue", function.batches[0][0])


def test_a_schedules_event_has_the_keys_of_aws(harness: EventSourceHarness) -> None:
    function = Recorder(harness.aws, "timed")
    schedule(harness, function, "rate(5 minutes)")
    harness.aws.ahead += timedelta(minutes=5)
    wait(lambda: bool(function.events))
    assert_as_published("schedule", function.events[0])
