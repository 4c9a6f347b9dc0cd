"""A function's VPC, which Terraform's provider reads before it deletes the function."""

import io
import zipfile
from typing import Any

import boto3
import pytest
from moto import mock_aws

from local_aws.control_plane import function_vpc  # noqa: F401 - importing it is what is tested


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "local")
    with mock_aws(config={"lambda": {"use_docker": False}}):
        yield boto3.Session(region_name="eu-central-1")


def vpc_of(session: Any, **vpc_config: Any) -> Any:
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as zipped:
        zipped.writestr("handler.py", "")
    iam, functions = session.client("iam"), session.client("lambda")
    role = iam.create_role(RoleName="example", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    functions.create_function(
        FunctionName="example",
        Runtime="python3.13",
        Role=role,
        Handler="handler.handler",
        Code={"ZipFile": code.getvalue()},
        **vpc_config,
    )
    return (
        functions.get_function_configuration(FunctionName="example")
        .get("VpcConfig", {})
        .get("VpcId")
    )


def test_a_function_reports_the_vpc_of_its_subnets(session: Any) -> None:
    ec2 = session.client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(GroupName="example", Description="example", VpcId=vpc)[
        "GroupId"
    ]
    assert vpc_of(session, VpcConfig={"SubnetIds": [subnet], "SecurityGroupIds": [group]}) == vpc


def test_a_function_without_subnets_reports_no_vpc(session: Any) -> None:
    assert vpc_of(session) is None
