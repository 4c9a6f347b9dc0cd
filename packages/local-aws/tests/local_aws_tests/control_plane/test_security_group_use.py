"""Security groups in use by a function, a database or a proxy, which cannot be deleted."""

import asyncio
import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.control_plane import security_group_use

REGION = "eu-central-1"


@pytest.fixture
def ec2() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("ec2", region_name=REGION)


async def _deleted(_: AwsCall) -> AwsResponse:
    return AwsResponse(200, b"deleted")


def delete(group: str) -> AwsResponse:
    body = f"Action=DeleteSecurityGroup&GroupId={group}".encode()
    call = AwsCall("ec2", "POST", "/", "", {}, body, REGION, "DeleteSecurityGroup", "test")

    async def asked() -> AwsResponse:
        return await security_group_use.intercept(call, _deleted)

    return asyncio.run(asked())


def test_a_group_of_a_published_version_cannot_be_deleted(ec2: Any) -> None:
    subnet = ec2.describe_subnets()["Subnets"][0]
    group = ec2.create_security_group(
        GroupName="functions", Description="d", VpcId=subnet["VpcId"]
    )["GroupId"]
    assert delete(group).status == 200
    iam, functions = (
        boto3.client("iam", region_name=REGION),
        boto3.client("lambda", region_name=REGION),
    )
    role = iam.create_role(
        RoleName="function", AssumeRolePolicyDocument=json.dumps({"Statement": []})
    )["Role"]["Arn"]
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("handler.py", "")
    functions.create_function(
        FunctionName="users",
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": zipped.getvalue()},
        VpcConfig={"SubnetIds": [subnet["SubnetId"]], "SecurityGroupIds": [group]},
    )
    functions.publish_version(FunctionName="users")
    refused = delete(group)
    assert (
        refused.status,
        b"DependencyViolation" in refused.body,
        b"function users" in refused.body,
    ) == (
        400,
        True,
        True,
    )
    functions.delete_function(FunctionName="users")
    assert delete(group).status == 200
