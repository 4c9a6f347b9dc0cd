"""Calls after which the next start must run Terraform: those that could change a resource."""

import pytest

from local_aws.aws_call import AwsCall
from local_aws.supervisor.applied import Applied


def call(service: str, action: str | None = None, method: str = "POST", path: str = "/") -> AwsCall:
    return AwsCall(service, method, path, "", {}, b"{}", "eu-central-1", action)


@pytest.mark.parametrize(
    "use",
    [
        call("cognito-idp", "SignUp"),
        call("cognito-idp", "AdminUserGlobalSignOut"),
        call("cognito-idp", "UpdateUserAttributes"),
        call("dynamodb", "TransactWriteItems"),
        call("lambda", path="/2015-03-31/functions/atrium-dev-users/invocations"),
        call("secretsmanager", "PutSecretValue"),
        call("sts", "AssumeRole"),
    ],
    ids=lambda one: f"{one.service} {one.action or one.path}",
)
def test_ordinary_use_needs_no_apply(use: AwsCall) -> None:
    applied = Applied("as it is")
    applied.note(use)
    assert applied.inputs == "as it is"


@pytest.mark.parametrize(
    "change",
    [
        call("apigateway", method="PATCH", path="/restapis/abc"),
        call("cognito-idp", "UpdateUserPool"),
        call("cognito-idp", "UpdateUserPoolClient"),
        call("cognito-idp", "DeleteUserPool"),
        call("cognito-idp", "CreateGroup"),
        call("cognito-idp", "SetUserPoolMfaConfig"),
        call("dynamodb", "UpdateTable"),
        call("dynamodb", "UpdateTimeToLive"),
        call("lambda", method="PUT", path="/2015-03-31/functions/atrium-dev-users/code"),
        call("logs", "PutRetentionPolicy"),
        call("secretsmanager", "DeleteSecret"),
        call("sqs", "SetQueueAttributes"),
        call("a-service-of-tomorrow", "PutAnything"),
    ],
    ids=lambda one: f"{one.service} {one.action or one.path}",
)
def test_a_changed_resource_needs_an_apply(change: AwsCall) -> None:
    applied = Applied("as it is")
    applied.note(change)
    assert applied.inputs == ""
