"""DynamoDB Streams as a client reads them: shards, iterators and records."""

from typing import Any

import boto3

from local_aws_tests.dynamodb.conftest import Endpoint
from local_aws_tests.dynamodb.test_items import item
from local_aws_tests.lambda_service.laptop import REGION


def stream_of(aws: Endpoint) -> Any:
    return boto3.client(
        "dynamodbstreams", region_name=REGION, endpoint_url=aws.client.meta.endpoint_url,
        aws_access_key_id="local", aws_secret_access_key="local",
    )  # fmt: skip


def test_records_are_read_from_any_position(aws: Endpoint) -> None:
    view = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    table = aws.table("streamed", StreamSpecification=view)
    aws.client.put_item(TableName=table, Item=item("u", secret={"B": b"\x00\xff"}))
    aws.client.put_item(
        TableName=table, Item=item("u", secret={"B": b"\x00\xff"})
    )  # writes the same item again
    aws.client.update_item(
        TableName=table,
        Key=item("u"),
        UpdateExpression="SET a = :a",
        ExpressionAttributeValues={":a": {"N": "1"}},
    )
    aws.reopen()
    aws.client.delete_item(TableName=table, Key=item("u"))
    streams = stream_of(aws)
    [found] = streams.list_streams(TableName=table)["Streams"]
    arn = found["StreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]

    def read(kind: str, **options: Any) -> list[Any]:
        where = {
            "StreamArn": arn,
            "ShardId": shard["ShardId"],
            "ShardIteratorType": kind,
            **options,
        }
        records = streams.get_records(
            ShardIterator=streams.get_shard_iterator(**where)["ShardIterator"]
        )
        return list(records["Records"])

    everything = read("TRIM_HORIZON")
    assert [each["eventName"] for each in everything] == ["INSERT", "MODIFY", "REMOVE"]
    assert everything[1]["dynamodb"]["NewImage"] == item(
        "u", secret={"B": b"\x00\xff"}, a={"N": "1"}
    )
    assert everything[1]["dynamodb"]["OldImage"] == item("u", secret={"B": b"\x00\xff"})
    second = everything[1]["dynamodb"]["SequenceNumber"]
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=second) == everything[1:]
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == everything[2:]
    assert read("LATEST") == []
    streams.close()
