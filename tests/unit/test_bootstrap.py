"""The bucket of the states is the account's own, or there is none."""

from collections.abc import Iterator

import boto3
import pytest
from botocore.stub import Stubber

from tools.deploy.errors import RefusedError
from tools.operations import bootstrap

ACCOUNT = "000000000000"
ASKED = {"Bucket": "states", "ExpectedBucketOwner": ACCOUNT}
HERE = {"LocationConstraint": "eu-central-1"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """What S3 is asked, in this sequence, and what it says."""
    client = boto3.client(
        "s3", region_name="eu-central-1", aws_access_key_id="offline", aws_secret_access_key="offline"
    )
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_bucket_of_another_account_is_refused_whatever_it_admits(s3: Stubber) -> None:
    s3.add_client_error("head_bucket", "403", expected_params=ASKED)
    with pytest.raises(RefusedError, match="states is somebody else's"):
        bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)


def test_a_missing_bucket_is_made_and_ones_own_is_left_as_it_is(s3: Stubber) -> None:
    s3.add_client_error("head_bucket", "404", expected_params=ASKED)
    s3.add_response("create_bucket", {}, {"Bucket": "states", "CreateBucketConfiguration": HERE})
    bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)
    s3.add_response("head_bucket", {}, ASKED)
    bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)
