"""Bucket policies, of which every element counts for access to objects."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.control_plane.test_endpoint import client, running

OBJECTS = "arn:aws:s3:::things/*"
EVERYONE: dict[str, Any] = {"Principal": "*", "Action": "s3:*", "Resource": OBJECTS}
WITHOUT_TLS = {"Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def with_policy(work: Callable[[Any], None], *statements: dict[str, Any]) -> None:
    """Run `work` with an S3 client whose bucket `things` has this policy."""

    async def run() -> None:
        async with running() as url:
            await asyncio.to_thread(blocking, client("s3", url))

    def blocking(s3: Any) -> None:
        s3.create_bucket(
            Bucket="things", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        try:
            policy = {"Version": "2012-10-17", "Statement": list(statements)}
            s3.put_bucket_policy(Bucket="things", Policy=json.dumps(policy))
            work(s3)
        finally:
            s3.delete_bucket_policy(Bucket="things")
            for found in s3.list_objects_v2(Bucket="things").get("Contents", []):
                s3.delete_object(Bucket="things", Key=found["Key"])
            s3.delete_bucket(Bucket="things")

    asyncio.run(run())


@pytest.mark.parametrize(
    "statement",
    [
        EVERYONE | {"Effect": "Deny"} | WITHOUT_TLS,
        EVERYONE | {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam::000000000000:role/other"}},
        EVERYONE | {"Effect": "Deny", "Resource": f"{OBJECTS}.secret"},
    ],
    ids=["calls without TLS", "another principal", "other objects"],
)
def test_a_deny_that_does_not_match_denies_nothing(statement: dict[str, Any]) -> None:
    def work(s3: Any) -> None:
        s3.put_object(Bucket="things", Key="a", Body=b"1")
        assert s3.get_object(Bucket="things", Key="a")["Body"].read() == b"1"
        s3.head_object(Bucket="things", Key="a")
        s3.delete_object(Bucket="things", Key="a")

    with_policy(work, statement)


def test_a_matching_deny_denies_the_operator_too() -> None:
    def work(s3: Any) -> None:
        with pytest.raises(ClientError) as caught:
            s3.put_object(Bucket="things", Key="a", Body=b"1")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403

    with_policy(work, EVERYONE | {"Effect": "Deny", "Action": "s3:PutObject"})


def test_a_batch_deletion_keeps_only_the_denied_keys() -> None:
    def work(s3: Any) -> None:
        keys = [{"Key": key} for key in ("a", "kept/b")]
        for key in keys:
            s3.put_object(Bucket="things", Body=b"1", **key)
        answer = s3.delete_objects(Bucket="things", Delete={"Objects": keys})
        assert [error["Key"] for error in answer["Errors"]] == ["kept/b"]
        assert [deleted["Key"] for deleted in answer["Deleted"]] == ["a"]

    with_policy(
        work,
        EVERYONE
        | {
            "Effect": "Deny",
            "Action": "s3:DeleteObject",
            "Resource": OBJECTS.replace("*", "kept/*"),
        },
    )
