"""The gate as a function sees it: through boto3, signed with its role's session, with AWS's errors."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.sts.models import sts_backends

from local_aws.iam import sessions
from local_aws.iam.aws_policies import POWER_USER_ACCESS
from local_aws_tests.iam.calls import TABLE, Function, allow, key, refused
from local_aws_tests.iam.conftest import ACCOUNT, REGION, client, document


def test_a_refusal_has_awss_message(function: Function, table: None) -> None:
    dynamodb = function(allow("dynamodb:PutItem", TABLE))("dynamodb")
    dynamodb.put_item(TableName="UserAttributes", Item=key("U#1"))
    assert refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))) == (
        f"User: arn:aws:sts::{ACCOUNT}:assumed-role/users/worker is not authorized to perform: dynamodb:GetItem on resource: "
        f"{TABLE} because no identity-based policy allows the dynamodb:GetItem action"
    )


def test_the_operators_calls_are_allowed(table: None) -> None:
    client("dynamodb", "test", "test", None).get_item(TableName="UserAttributes", Key=key("U#1"))


def test_an_invented_session_is_refused(table: None) -> None:
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("dynamodb", "ASIAXXXXXXXXXXXXXXXX", "x", "x").get_item(
            TableName="UserAttributes", Key=key("U#1")
        )


@pytest.mark.parametrize("token", ["stolen", None])
def test_a_session_needs_its_token(function: Function, table: None, token: str | None) -> None:
    function(allow("*"))
    access_key, secret, _, _ = sessions.credentials_for(
        f"arn:aws:iam::{ACCOUNT}:role/users", "worker"
    )
    with pytest.raises(ClientError, match="UnrecognizedClientException"):
        client("dynamodb", access_key, secret, token).list_tables()


def test_an_expired_session_is_refused(function: Function, table: None) -> None:
    dynamodb = function(allow("*"))("dynamodb")
    dynamodb.list_tables()
    sts_backends[ACCOUNT]["aws"].assumed_roles[-1].expiration = datetime.now(UTC) - timedelta(
        seconds=1
    )
    with pytest.raises(ClientError, match="ExpiredTokenException"):
        dynamodb.list_tables()


def test_expired_sessions_are_deleted(function: Function) -> None:
    function(allow("*"))
    held = sts_backends[ACCOUNT]["aws"].assumed_roles
    held[-1].expiration = datetime.now(UTC) - timedelta(seconds=1)
    sessions.credentials_for(f"arn:aws:iam::{ACCOUNT}:role/users", "next")
    assert [each.session_name for each in held] == ["next"]


def test_a_role_must_exist(aws: None) -> None:
    with pytest.raises(
        LookupError, match="The role arn:aws:iam::000000000000:role/gone does not exist"
    ):
        sessions.credentials_for(f"arn:aws:iam::{ACCOUNT}:role/gone", "worker")


def test_the_default_version_of_an_attached_policy_applies(function: Function, table: None) -> None:
    iam = boto3.client("iam", region_name=REGION)
    dynamodb = function(allow("s3:GetObject"))("dynamodb")
    arn = iam.create_policy(
        PolicyName="read", PolicyDocument=document(allow("dynamodb:GetItem", TABLE))
    )["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="users", PolicyArn=arn)
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(allow("s3:*")), SetAsDefault=True
    )
    refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#1")))


def test_a_boundary_limits_a_role(function: Function, table: None) -> None:
    iam = boto3.client("iam", region_name=REGION)
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=document(allow("dynamodb:Get*")))[
        "Policy"
    ]["Arn"]
    dynamodb = function(allow("dynamodb:*"), boundary=arn)("dynamodb")
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    message = refused(lambda: dynamodb.put_item(TableName="UserAttributes", Item=key("U#1")))
    assert message.endswith("because no permissions boundary allows the dynamodb:PutItem action")


def test_awss_power_user_policy_as_a_boundary_excludes_iam(function: Function, table: None) -> None:
    """Check the boundary of roles that a deploy creates: even with all rights of their own they
    create no roles.
    """
    of_the_deploy = function(allow("*"), boundary=POWER_USER_ACCESS)
    of_the_deploy("dynamodb").get_item(TableName="UserAttributes", Key=key("U#1"))
    message = refused(
        lambda: of_the_deploy("iam").create_role(RoleName="admin", AssumeRolePolicyDocument="{}")
    )
    assert message.endswith("because no permissions boundary allows the iam:CreateRole action")


def test_a_session_policy_limits_a_session(function: Function, table: None) -> None:
    function(allow("dynamodb:*"))
    dynamodb_only_get = document(allow("dynamodb:GetItem"))
    sts = boto3.client("sts", region_name=REGION)
    made = sts.assume_role(
        RoleArn=f"arn:aws:iam::{ACCOUNT}:role/users",
        RoleSessionName="narrow",
        Policy=dynamodb_only_get,
    )
    keys = made["Credentials"]
    dynamodb = client(
        "dynamodb", keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"]
    )
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#1"))
    assert "no session policy allows" in refused(
        lambda: dynamodb.put_item(TableName="UserAttributes", Item=key("U#1"))
    )


def test_tags_of_the_role_are_policy_variables(function: Function, table: None) -> None:
    owner = {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": "U#${aws:PrincipalTag/team}"}}
    dynamodb = function(allow("dynamodb:GetItem", TABLE, Condition=owner))("dynamodb")
    dynamodb.get_item(TableName="UserAttributes", Key=key("U#ada"))
    refused(lambda: dynamodb.get_item(TableName="UserAttributes", Key=key("U#bob")))


TRUE, FALSE = "true", "false"


UNTOLD = [
    pytest.param(
        {"Null": {"aws:ResourceTag/owner": FALSE}}, id="that a tag is there, which nobody looked up"
    ),
    pytest.param({"Null": {"aws:SourceVpce": FALSE}}, id="that it came by an endpoint"),
    pytest.param(
        {"Null": {"aws:TokenIssueTime": TRUE}}, id="that these are no temporary credentials"
    ),
    pytest.param(
        {"StringNotEquals": {"aws:PrincipalOrgID": "o-1"}}, id="that it is of no such organization"
    ),
    pytest.param(
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": TRUE}}, id="that there was a second factor"
    ),
    pytest.param(
        {"ArnNotLike": {"lambda:SourceFunctionArn": "arn:aws:lambda:*:*:function:x"}},
        id="that it is not x",
    ),
    pytest.param({"StringNotEquals": {"ssm:Overwrite": "x"}}, id="a key of the service itself"),
    pytest.param({"Bool": {"aws:ViaAWSService": TRUE}}, id="that a service calls"),
    pytest.param(
        {"StringNotEquals": {"aws:ResourceAccount": ACCOUNT}}, id="that it is another account's"
    ),
]


@pytest.mark.parametrize("condition", UNTOLD)
def test_a_condition_on_values_that_only_aws_knows_allows_nothing(
    function: Function, condition: dict[str, Any]
) -> None:
    parameters = function(allow("ssm:GetParameter", Condition=condition))("ssm")
    refused(lambda: parameters.get_parameter(Name="/atrium/dev/pool"))


@pytest.mark.parametrize(
    "condition",
    [
        pytest.param({"Bool": {"aws:ViaAWSService": FALSE}}, id="a direct call"),
        pytest.param(
            {"StringEquals": {"aws:ResourceAccount": ACCOUNT}}, id="a resource of this account"
        ),
        pytest.param({"StringNotEquals": {"ssm:Overwrite": "x"}}, id="of which it cannot be told"),
    ],
)
def test_a_deny_with_an_undecidable_condition_denies(
    function: Function, condition: dict[str, Any]
) -> None:
    deny = allow("ssm:GetParameter", Condition=condition) | {"Effect": "Deny"}
    parameters = function(allow("ssm:GetParameter"), deny)("ssm")
    assert "explicit deny" in refused(lambda: parameters.get_parameter(Name="/atrium/dev/pool"))
