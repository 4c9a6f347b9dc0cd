"""Table streams as event sources: order, batches, retries and their limits."""

import json
import time
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.backends import get_backend

from local_aws.event_sources import EventSources
from local_aws.moto_state import snapshot
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.event_sources.event_source_harness import EventSourceHarness, Recorder, wait
from local_aws_tests.lambda_service.laptop import REGION


def filters(*patterns: object) -> dict[str, Any]:
    return {"Filters": [{"Pattern": json.dumps(pattern)} for pattern in patterns]}


def test_records_come_in_order_in_batches_and_in_awss_form(harness: EventSourceHarness) -> None:
    stream, function = harness.table("ordered"), Recorder(harness.aws, "ordered")
    harness.put("ordered", *(f"k{number}" for number in range(5)))
    harness.tables.update_item(
        TableName="ordered", Key={"pk": {"S": "k0"}}, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"N": "1"}}
    )  # fmt: skip
    harness.tables.delete_item(TableName="ordered", Key={"pk": {"S": "k1"}})
    harness.map(stream, "ordered", BatchSize=3)
    wait(lambda: len(function.batches) == 3)
    assert function.seen() == [["k0", "k1", "k2"], ["k3", "k4", "k0"], ["k1"]]
    update, removal = function.batches[1][2], function.batches[2][0]
    change = update["dynamodb"]
    assert {name: update[name] for name in update if name not in ("dynamodb", "eventID")} == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "eventSourceARN": stream,
    }
    assert change["OldImage"] == {"pk": {"S": "k0"}}
    assert change["NewImage"] == {"pk": {"S": "k0"}, "a": {"N": "1"}}
    assert change["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    assert abs(change["ApproximateCreationDateTime"] - time.time()) < 60
    assert int(change["SequenceNumber"]) < int(removal["dynamodb"]["SequenceNumber"])
    assert (removal["eventName"], "NewImage" in removal["dynamodb"]) == ("REMOVE", False)


def test_a_write_without_a_change_has_no_record_and_an_upsert_is_one_insert(
    harness: EventSourceHarness,
) -> None:
    stream, function = harness.table("quiet"), Recorder(harness.aws, "quiet")
    harness.map(stream, "quiet")
    for _ in range(2):
        harness.tables.update_item(
            TableName="quiet", Key={"pk": {"S": "k"}}, UpdateExpression="SET a = :a", ExpressionAttributeValues={":a": {"S": "x"}}
        )  # fmt: skip
    harness.put("quiet", "end")
    wait(lambda: bool(function.seen()) and function.seen()[-1][-1] == "end")
    first, *rest = [record for batch in function.batches for record in batch]
    assert (first["eventName"], first["dynamodb"]["NewImage"]) == (
        "INSERT",
        {"pk": {"S": "k"}, "a": {"S": "x"}},
    )
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in rest] == ["end"]


def test_a_binary_value_is_sent_as_base64(harness: EventSourceHarness) -> None:
    stream, function = harness.table("binary"), Recorder(harness.aws, "binary")
    harness.map(stream, "binary")
    harness.put("binary", "k", secret={"B": b"\x00\xff"})
    wait(lambda: bool(function.batches))
    assert function.batches[0][0]["dynamodb"]["NewImage"]["secret"] == {"B": "AP8="}


def test_a_failed_transaction_leaves_no_record(harness: EventSourceHarness) -> None:
    stream, function = harness.table("whole"), Recorder(harness.aws, "whole")
    harness.map(stream, "whole")
    put = {"TableName": "whole", "Item": {"pk": {"S": "never"}}}
    check = {
        "TableName": "whole",
        "Key": {"pk": {"S": "no"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(ClientError, match="TransactionCanceled"):
        harness.tables.transact_write_items(TransactItems=[{"Put": put}, {"ConditionCheck": check}])
    harness.put("whole", "after")
    wait(lambda: function.seen() == [["after"]])


def test_only_records_that_match_a_filter_are_sent(harness: EventSourceHarness) -> None:
    stream, function = harness.table("filtered"), Recorder(harness.aws, "filtered")
    wanted = filters(
        {"eventName": ["INSERT"], "dynamodb": {"Keys": {"pk": {"S": [{"prefix": "C#"}]}}}},
        {"dynamodb": {"NewImage": {"kind": {"S": [{"anything-but": ["dull"]}]}}}},
    )
    harness.map(stream, "filtered", FilterCriteria=wanted)
    harness.put("filtered", "C#1", "U#1")
    harness.put("filtered", "U#2", kind={"S": "dull"})
    harness.put("filtered", "U#3", kind={"S": "odd"})
    harness.put("filtered", "C#end")
    wait(lambda: "C#end" in list(chain(*function.seen())))
    assert list(chain(*function.seen())) == ["C#1", "U#3", "C#end"]


def test_a_retry_begins_at_the_first_item_reported_as_failed(harness: EventSourceHarness) -> None:
    stream, function = harness.table("partial"), Recorder(harness.aws, "partial")
    function.answers(
        "seen = len(open(__import__('os').environ['FOLDER'] + '/events').readlines())\n"
        "answer = {'batchItemFailures': [{'itemIdentifier': numbers[1]}]} if seen == 1 else {'batchItemFailures': []}"
    )
    harness.put("partial", "a", "b", "c")
    harness.map(stream, "partial", FunctionResponseTypes=["ReportBatchItemFailures"])
    wait(lambda: len(function.batches) == 2)
    assert function.seen() == [["a", "b", "c"], ["b", "c"]]


@pytest.mark.parametrize(
    "answer",
    [
        "{'batchItemFailures': [{'itemIdentifier': ''}]}",
        "{'batchItemFailures': [{'wrong': 1}]}",
        "'text'",
    ],
)
def test_an_answer_with_unknown_items_fails_the_whole_batch(
    harness: EventSourceHarness, answer: str
) -> None:
    name = f"unclear-{abs(hash(answer))}"
    stream, function = harness.table(name), Recorder(harness.aws, name)
    function.answers(f"answer = {answer}")
    harness.put(name, "a", "b")
    harness.map(
        stream, name, FunctionResponseTypes=["ReportBatchItemFailures"], MaximumRetryAttempts=1
    )
    wait(lambda: len(function.batches) == 2)
    harness.put(name, "c")
    wait(lambda: ["c"] in function.seen())
    assert function.seen()[:3] == [["a", "b"], ["a", "b"], ["c"]]


def test_after_the_last_retry_the_queue_gets_the_position_in_the_stream(
    harness: EventSourceHarness,
) -> None:
    stream, function = harness.table("ends"), Recorder(harness.aws, "ends")
    url, queue = harness.queue("ends-dead")
    function.answers("if 'bad' in str(event): raise ValueError('as told')")
    harness.put("ends", "bad")
    harness.map(
        stream,
        "ends",
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    (message,) = harness.messages(url, 1)
    harness.put("ends", "good")
    wait(lambda: ["good"] in function.seen())
    assert function.seen() == [["bad"], ["bad"], ["good"]]
    record = json.loads(message["Body"])
    number = function.batches[0][0]["dynamodb"]["SequenceNumber"]
    info = record["DDBStreamBatchInfo"]
    assert (info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]) == (
        number,
        number,
        1,
    )
    assert info["streamArn"] == stream
    assert info.keys() == {
        "shardId", "startSequenceNumber", "endSequenceNumber", "approximateArrivalOfFirstRecord",
        "approximateArrivalOfLastRecord", "batchSize", "streamArn",
    }  # fmt: skip
    context = record["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == (
        "RetryAttemptsExhausted",
        2,
    )
    assert context["functionArn"] == function.arn
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert record["version"] == "1.0"


def test_bisecting_discards_only_failing_records(harness: EventSourceHarness) -> None:
    stream, function = harness.table("halves"), Recorder(harness.aws, "halves")
    url, queue = harness.queue("halves-dead")
    function.answers("if 'bad' in str(event): raise ValueError('as told')")
    harness.put("halves", "a", "b", "bad", "d")
    harness.map(
        stream, "halves", BisectBatchOnFunctionError=True, MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )  # fmt: skip
    (message,) = harness.messages(url, 1)
    wait(lambda: ["d"] in function.seen())
    assert function.seen() == [
        ["a", "b", "bad", "d"],
        ["a", "b"],
        ["bad", "d"],
        ["bad"],
        ["bad"],
        ["d"],
    ]
    assert json.loads(message["Body"])["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_record_that_is_too_old_is_discarded(
    harness: EventSourceHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, function = harness.table("aged"), Recorder(harness.aws, "aged")
    url, queue = harness.queue("aged-dead")
    harness.put("aged", "old")
    harness.aws.store.blocking(
        lambda data: data.sql.execute(
            "UPDATE stream SET created = created - 3600 WHERE stream = ?", (stream,)
        )
    )
    harness.map(
        stream,
        "aged",
        MaximumRecordAgeInSeconds=60,
        DestinationConfig={"OnFailure": {"Destination": queue}},
    )
    (message,) = harness.messages(url, 1)
    harness.put("aged", "new")
    wait(lambda: function.seen() == [["new"]])
    assert json.loads(message["Body"])["requestContext"]["condition"] == "RecordAgeExceeded"


def test_expired_items_are_deleted_by_dynamodb(harness: EventSourceHarness) -> None:
    stream, function = harness.table("expiring"), Recorder(harness.aws, "expiring")
    harness.tables.update_time_to_live(
        TableName="expiring",
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    pattern = {"userIdentity": {"type": ["Service"], "principalId": ["dynamodb.amazonaws.com"]}}
    harness.map(stream, "expiring", FilterCriteria=filters(pattern))
    harness.put("expiring", "over", expires_at={"N": str(int(time.time()) - 1)})
    harness.put("expiring", "stays", expires_at={"N": str(int(time.time()) + 3600)})
    harness.put(
        "expiring", "ancient", expires_at={"N": "1"}
    )  # AWS ignores an expiry of more than five years ago
    harness.put("expiring", "text", expires_at={"S": "1"})
    harness.tables.delete_item(TableName="expiring", Key={"pk": {"S": "ancient"}})
    wait(lambda: bool(function.batches))
    ((record,),) = function.batches
    assert (record["eventName"], record["dynamodb"]["OldImage"]["pk"]["S"]) == ("REMOVE", "over")
    assert record["userIdentity"] == {"principalId": "dynamodb.amazonaws.com", "type": "Service"}
    assert {item["pk"]["S"] for item in harness.tables.scan(TableName="expiring")["Items"]} == {
        "stays",
        "text",
    }


def test_two_mappings_read_one_stream_independently(harness: EventSourceHarness) -> None:
    stream = harness.table("shared")
    stuck, quick = Recorder(harness.aws, "stuck"), Recorder(harness.aws, "quick")
    stuck.answers("raise ValueError('as told')")
    harness.map(stream, "stuck")
    harness.map(stream, "quick")
    harness.put("shared", "a")
    wait(lambda: len(stuck.batches) > 1 and quick.seen() == [["a"]])
    harness.put("shared", "b")
    wait(lambda: quick.seen() == [["a"], ["b"]])
    assert set(map(tuple, stuck.seen())) == {("a",)}  # later records wait for the failing one


def test_a_restarted_stack_continues_at_its_position(
    harness: EventSourceHarness, tmp_path: Path
) -> None:
    """Check that the snapshot of a stop keeps the mapping, and the store keeps its position and new
    records.
    """
    stream, function = harness.table("resumed"), Recorder(harness.aws, "resumed")
    mapping = harness.map(stream, "resumed")["UUID"]
    harness.put("resumed", "a")
    store = harness.aws.store
    read = lambda: store.blocking(lambda data: data.place(mapping)) > store.last_record[stream]  # noqa: E731
    wait(read)  # otherwise "a" would be sent again
    assert function.seen() == [["a"]]
    harness.aws.loop.run(harness.aws.sources.close())
    harness.put("resumed", "b")
    snapshot.dump(tmp_path / "snapshot", None)
    for service in ("dynamodb", "lambda"):
        get_backend(service).reset()
    snapshot.load(tmp_path / "snapshot")
    harness.aws.sources = EventSources(harness.aws.moto, harness.aws.functions, harness.aws.store)
    harness.aws.loop.run(harness.aws.sources.start())
    wait(lambda: function.seen() == [["a"], ["b"]])


def test_a_throttled_function_loses_no_record_and_no_retry(harness: EventSourceHarness) -> None:
    stream, function = harness.table("waits"), Recorder(harness.aws, "waits")
    harness.functions.put_function_concurrency(FunctionName="waits", ReservedConcurrentExecutions=0)
    harness.map(stream, "waits", MaximumRetryAttempts=0)
    harness.put("waits", "a")
    time.sleep(0.5)
    assert not function.events
    harness.functions.delete_function_concurrency(FunctionName="waits")
    wait(lambda: function.seen() == [["a"]])


def test_a_mapping_is_created_changed_and_deleted(harness: EventSourceHarness) -> None:
    stream, function = harness.table("lived"), Recorder(harness.aws, "lived", Publish=True)
    client = harness.functions
    client.create_alias(FunctionName="lived", Name="live", FunctionVersion="1")
    made = harness.map(
        stream, f"{function.arn}:live", StartingPosition="LATEST", Enabled=False, Tags={"a": "b"}
    )
    assert (made["State"], made["FunctionArn"]) == ("Creating", f"{function.arn}:live")
    read = client.get_event_source_mapping(UUID=made["UUID"])
    defaults = {
        "BatchSize": 100, "MaximumBatchingWindowInSeconds": 0, "ParallelizationFactor": 1, "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1, "BisectBatchOnFunctionError": False, "State": "Disabled", "StartingPosition": "LATEST",
    }  # fmt: skip
    assert {name: read[name] for name in defaults} == defaults
    assert client.list_tags(Resource=read["EventSourceMappingArn"])["Tags"] == {"a": "b"}
    assert [
        m["UUID"]
        for m in client.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"]
    ] == [made["UUID"]]
    harness.put("lived", "a")
    client.update_event_source_mapping(
        UUID=made["UUID"], Enabled=True, BatchSize=1, MaximumRetryAttempts=3
    )
    harness.put("lived", "b")
    wait(lambda: function.seen() == [["a"], ["b"]])
    assert client.get_event_source_mapping(UUID=made["UUID"])["MaximumRetryAttempts"] == 3
    assert client.delete_event_source_mapping(UUID=made["UUID"])["State"] == "Deleting"
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        client.get_event_source_mapping(UUID=made["UUID"])
    harness.put("lived", "c")
    time.sleep(0.3)
    assert function.seen() == [["a"], ["b"]]


def test_an_invalid_mapping_is_refused(harness: EventSourceHarness) -> None:
    stream, function = harness.table("refused"), Recorder(harness.aws, "refused")
    harness.map(stream, "refused")
    refusals: list[tuple[dict[str, Any], str]] = [
        ({"source": stream, "function": "refused"}, "ResourceConflictException"),
        ({"source": stream, "function": "absent"}, "ResourceNotFoundException"),
        ({"source": f"{stream}x", "function": "refused"}, "Stream not found"),
        ({"source": stream, "function": f"{function.arn}:$LATEST", "BatchSize": 10_001}, "BatchSize is 10001"),
        ({"source": stream, "function": f"{function.arn}:$LATEST", "FilterCriteria": {"Filters": [{"Pattern": '{"a": 1}'}]}}, "Invalid filter pattern"),
        ({"source": f"arn:aws:kinesis:{REGION}:{ACCOUNT_ID}:stream/x", "function": "refused"}, "NotEmulated"),
    ]  # fmt: skip
    for options, message in refusals:
        with pytest.raises(ClientError, match=message):
            harness.map(**options)


def test_the_role_must_be_allowed_to_read_the_stream(harness: EventSourceHarness) -> None:
    stream, _ = harness.table("forbidden"), Recorder(harness.aws, "forbidden")
    harness.allow(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "dynamodb:Describe*", "Resource": "*"}],
        }
    )
    try:
        with pytest.raises(ClientError, match="does not have permissions to call GetRecords"):
            harness.map(stream, "forbidden")
    finally:
        harness.allow_all()
