"""The lifecycle of a bucket, which is read as it was written."""

import asyncio
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws_tests.control_plane.test_endpoint import client, running

RULES: list[dict[str, Any]] = [
    {
        "ID": "old",
        "Status": "Enabled",
        "Filter": {"Prefix": ""},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 90, "NewerNoncurrentVersions": 10},
    },
    {
        "ID": "plans",
        "Status": "Enabled",
        "Filter": {"Prefix": "plans/"},
        "Expiration": {"Days": 7},
        "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
    },
]


def test_the_number_of_noncurrent_versions_is_kept() -> None:
    async def run() -> None:
        async with running() as url:
            await asyncio.to_thread(write_and_read, client("s3", url))

    def write_and_read(s3: Any) -> None:
        place = {"LocationConstraint": "eu-central-1"}
        s3.create_bucket(Bucket="lifecycle", CreateBucketConfiguration=place)
        with pytest.raises(ClientError) as caught:
            s3.get_bucket_lifecycle_configuration(Bucket="lifecycle")
        assert caught.value.response["Error"]["Code"] == "NoSuchLifecycleConfiguration"
        s3.put_bucket_lifecycle_configuration(
            Bucket="lifecycle", LifecycleConfiguration={"Rules": RULES}
        )
        assert s3.get_bucket_lifecycle_configuration(Bucket="lifecycle")["Rules"] == RULES
        s3.delete_bucket(Bucket="lifecycle")

    asyncio.run(run())
