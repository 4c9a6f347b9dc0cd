"""The resources that `make bootstrap` creates before Terraform runs: the bucket of the states, and
service-linked roles.
"""

from collections.abc import Iterator

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from moto import mock_aws

from tools.deploy import service_linked_roles
from tools.deploy.errors import RefusedError
from tools.operations import bootstrap

ACCOUNT = "000000000000"
ASKED = {"Bucket": "states", "ExpectedBucketOwner": ACCOUNT}
HERE = {"LocationConstraint": "eu-central-1"}


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Stub S3 with these calls in this order, and their answers."""
    client = boto3.client(
        "s3",
        region_name="eu-central-1",
        aws_access_key_id="offline",
        aws_secret_access_key="offline",
    )
    monkeypatch.setattr(boto3, "client", lambda *_, **__: client)
    with Stubber(client) as stubber:
        yield stubber
        stubber.assert_no_pending_responses()


def test_a_bucket_of_another_account_is_refused_whatever_its_policy(s3: Stubber) -> None:
    s3.add_client_error("head_bucket", "403", expected_params=ASKED)
    with pytest.raises(RefusedError, match="states belongs to another account"):
        bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)


def test_a_missing_bucket_is_created_and_an_own_one_is_unchanged(s3: Stubber) -> None:
    s3.add_client_error("head_bucket", "404", expected_params=ASKED)
    s3.add_response("create_bucket", {}, {"Bucket": "states", "CreateBucketConfiguration": HERE})
    bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)
    s3.add_response("head_bucket", {}, ASKED)
    bootstrap.make_bucket("states", "eu-central-1", ACCOUNT)


def test_service_linked_roles_are_created_once_in_an_empty_account() -> None:
    with mock_aws():
        iam = boto3.client("iam", region_name="eu-central-1")
        assert service_linked_roles.missing(iam) == list(service_linked_roles.SERVICES)
        assert service_linked_roles.make_missing(iam) == list(service_linked_roles.SERVICES)
        assert service_linked_roles.make_missing(iam) == []


def test_a_concurrently_created_service_linked_role_is_no_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = boto3.client("iam", aws_access_key_id="offline", aws_secret_access_key="offline")
    monkeypatch.setattr(service_linked_roles, "SERVICES", {"rds.amazonaws.com": ""})
    taken = "Service role name AWSServiceRoleForRDS has been taken in this account, please try a different suffix."
    with Stubber(client) as stubber:
        stubber.add_response(
            "list_roles", {"Roles": []}, {"PathPrefix": "/aws-service-role/rds.amazonaws.com/"}
        )
        stubber.add_client_error("create_service_linked_role", "InvalidInput", taken)
        assert service_linked_roles.make_missing(client) == []
        stubber.add_response(
            "list_roles", {"Roles": []}, {"PathPrefix": "/aws-service-role/rds.amazonaws.com/"}
        )
        stubber.add_client_error("create_service_linked_role", "AccessDenied", "no")
        with pytest.raises(ClientError):
            service_linked_roles.make_missing(client)
