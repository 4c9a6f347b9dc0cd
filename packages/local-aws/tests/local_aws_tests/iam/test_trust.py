"""Trust policies: which principals may assume a role, and which service may use it."""

from collections.abc import Callable
from functools import partial
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws.iam import sessions
from local_aws_tests.iam.conftest import ACCOUNT, REGION, client, document

Function = Callable[..., Callable[[str], Any]]
OTHER = f"arn:aws:iam::{ACCOUNT}:role/other"
PASS = {"Effect": "Allow", "Action": "iam:PassRole", "Resource": "*"}
DEPLOY = {"Effect": "Allow", "Action": ["lambda:*", "events:*", "sts:*"], "Resource": "*"}


def trusting(principal: Any, **more: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return document(statement)


def other(principal: Any, **more: Any) -> None:
    iam = boto3.client("iam", region_name=REGION)
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=trusting(principal, **more))


def code_of(work: Callable[[], Any]) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        work()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def assume(sts: Any, **more: Any) -> Any:
    return sts.assume_role(RoleArn=OTHER, RoleSessionName="me", **more)


def create(lambda_: Any) -> Any:
    return lambda_.create_function(
        FunctionName="made", Runtime="python3.13", Role=OTHER, Handler="a.b", Code={"ZipFile": b"z"}
    )


@pytest.mark.parametrize(
    ("principal", "may"),
    [
        ({"Service": "ec2.amazonaws.com"}, False),
        ({"AWS": ACCOUNT}, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, True),
        ({"AWS": "111122223333"}, False),
        ("*", True),
    ],
)
def test_the_operator_assumes_a_role_that_trusts_the_account(
    aws: None, principal: Any, may: bool
) -> None:
    other(principal)
    sts = client("sts", "test", "test", None)
    if may:
        assume(sts)
        return
    message = (
        f"User: arn:aws:iam::{ACCOUNT}:user/moto is not authorized to perform: sts:AssumeRole "
        f"on resource: {OTHER}"
    )
    assert code_of(lambda: assume(sts)) == ("AccessDenied", message)


def test_an_unknown_role_gets_the_same_error(aws: None) -> None:
    assert code_of(lambda: assume(client("sts", "test", "test", None)))[0] == "AccessDenied"


def test_an_external_id_is_checked(aws: None) -> None:
    other({"AWS": ACCOUNT}, Condition={"StringEquals": {"sts:ExternalId": "secret"}})
    sts = client("sts", "test", "test", None)
    assume(sts, ExternalId="secret")
    assert code_of(lambda: assume(sts, ExternalId="guess"))[0] == "AccessDenied"


def test_a_session_needs_both_policies_unless_the_role_names_it(function: Function) -> None:
    may, may_not = function(DEPLOY)("sts"), function(PASS, name="poor")("sts")
    other({"AWS": ACCOUNT})
    assume(may)
    assert code_of(lambda: assume(may_not))[0] == "AccessDenied"
    iam = boto3.client("iam", region_name=REGION)
    named = {"AWS": f"arn:aws:iam::{ACCOUNT}:role/poor"}
    iam.update_assume_role_policy(RoleName="other", PolicyDocument=trusting(named))
    assume(may_not)
    assert code_of(lambda: assume(may))[0] == "AccessDenied"


@pytest.mark.parametrize("principal", [{"Service": "ec2.amazonaws.com"}, {"AWS": ACCOUNT}])
def test_a_function_needs_a_role_that_trusts_lambda(aws: None, principal: Any) -> None:
    other(principal)
    message = "The role defined for the function cannot be assumed by Lambda."
    refused = code_of(lambda: create(client("lambda", "test", "test", None)))
    assert refused == ("InvalidParameterValueException", message)
    with pytest.raises(LookupError, match=r"does not let lambda\.amazonaws\.com assume it"):
        sessions.credentials_for(OTHER, "worker")


def test_a_rule_needs_a_role_that_trusts_eventbridge(aws: None) -> None:
    other({"Service": "lambda.amazonaws.com"})
    events = client("events", "test", "test", None)
    code, message = code_of(
        lambda: events.put_rule(Name="r", ScheduleExpression="rate(1 day)", RoleArn=OTHER)
    )
    assert code == "ValidationException"
    assert message == (
        f"Provided role '{OTHER}' cannot be assumed by principal 'events.amazonaws.com'."
    )


def test_the_log_role_of_api_gateway_must_trust_it(aws: None) -> None:
    other({"Service": "lambda.amazonaws.com"})
    change = {"op": "replace", "path": "/cloudwatchRoleArn", "value": OTHER}
    gateway = client("apigateway", "test", "test", None)
    code, message = code_of(lambda: gateway.update_account(patchOperations=[change]))
    assert (code, "grant trust permission for API Gateway" in message) == (
        "BadRequestException",
        True,
    )


def test_a_deploy_must_be_allowed_to_pass_the_role(function: Function) -> None:
    other({"Service": "lambda.amazonaws.com"})
    to_lambda = {
        **PASS,
        "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
    }
    for statements in ((DEPLOY,), (DEPLOY, to_lambda)):
        deploy = function(*statements, name=f"deploy{len(statements)}")("lambda")
        code, message = code_of(partial(create, deploy))
        assert code == "AccessDeniedException"
        assert f"is not authorized to perform: iam:PassRole on resource: {OTHER}" in message
    passing = function(DEPLOY, PASS, name="passing")("lambda")
    create(passing)


def test_a_source_account_may_be_required(aws: None) -> None:
    condition = {"StringEquals": {"aws:SourceAccount": ACCOUNT}}
    other({"Service": "lambda.amazonaws.com"}, Condition=condition)
    sessions.credentials_for(OTHER, "worker")
    wrong = {"StringEquals": {"aws:SourceAccount": "111122223333"}}
    boto3.client("iam", region_name=REGION).update_assume_role_policy(
        RoleName="other",
        PolicyDocument=trusting({"Service": "lambda.amazonaws.com"}, Condition=wrong),
    )
    with pytest.raises(LookupError):
        sessions.credentials_for(OTHER, "worker")
