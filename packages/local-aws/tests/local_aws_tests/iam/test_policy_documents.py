"""Malformed policies, which are refused when they are set, with the service's own error.

The messages are AWS's: IAM's were recorded by moto's and LocalStack's suites, those of SQS and S3
are in reports to hashicorp/terraform-provider-aws (#42209) and versity/versitygw (#649).
"""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local_aws_tests.iam.conftest import ACCOUNT, TRUST, client

GOOD: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "lambda.amazonaws.com"},
    "Action": "sts:AssumeRole",
}
GONE = f"arn:aws:iam::{ACCOUNT}:role/gone"


def text(**differs: Any) -> str:
    statement = {name: value for name, value in (GOOD | differs).items() if value is not None}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def error_of(work: Callable[[], Any]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        work()
    found = caught.value.response
    return (
        found["Error"]["Code"],
        found["Error"]["Message"],
        found["ResponseMetadata"]["HTTPStatusCode"],
    )


def of(service: str) -> Any:
    return client(service, "test", "test", None)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{}}", "This policy contains invalid Json"),
        ("[]", "This policy contains invalid Json"),
        ("{}", "Missing required field Statement"),
        ('{"Statement": []}', "Syntax errors in policy."),
        (text(Effect="allow"), "Syntax errors in policy."),
        (text(Effect=None), "Missing required field Effect"),
        (text(Action=None), "Missing required field Action"),
        (text(Principal=None), "Missing required field Principal"),
        (text(Resource="*"), "Has prohibited field Resource"),
        (text(Sids="x"), "Syntax errors in policy."),
        (text(Condition={"StringEqual": {"a": "b"}}), "Syntax errors in policy."),
        (
            text(Action="s3:GetObject"),
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            text(Principal={"Service": "lambda"}),
            'Invalid principal in policy: "SERVICE":"lambda"',
        ),
        (text(Principal={"AWS": GONE}), f'Invalid principal in policy: "AWS":"{GONE}"'),
        (
            text(Principal={"AWS": "arn:aws:iam::111122223333:role/a*"}),
            'Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/a*"',
        ),
    ],
)
def test_a_malformed_trust_policy_is_refused(aws: None, document: str, message: str) -> None:
    iam = of("iam")
    expected = ("MalformedPolicyDocument", message, 400)
    create = lambda: iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)  # noqa: E731
    assert error_of(create) == expected
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    update = lambda: iam.update_assume_role_policy(RoleName="r", PolicyDocument=document)  # noqa: E731
    assert error_of(update) == expected


@pytest.mark.parametrize(
    "document",
    [
        text(),
        text(Principal="*"),
        text(Principal={"AWS": [ACCOUNT, "arn:aws:iam::111122223333:role/theirs"]}),
        text(Principal={"Federated": "cognito-identity.amazonaws.com"}),
        text(Action=["sts:AssumeRole", "sts:TagSession"]),
        text(Condition={"ForAnyValue:StringLikeIfExists": {"aws:PrincipalArn": "*"}}),
        json.dumps({"Version": "2008-10-17", "Statement": GOOD}),
    ],
)
def test_a_valid_trust_policy_is_accepted(aws: None, document: str) -> None:
    iam = of("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=document)
    iam.update_assume_role_policy(RoleName="r", PolicyDocument=document)


@pytest.mark.parametrize("element", ["Principal", "NotPrincipal"])
def test_an_identity_policy_with_a_principal_is_refused(aws: None, element: str) -> None:
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", element: "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": statement})
    iam = of("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
    message = "Policy document should not specify a principal."
    expected = ("MalformedPolicyDocument", message, 400)
    policy: dict[str, str] = {"PolicyName": "p", "PolicyDocument": document}
    assert error_of(lambda: iam.create_policy(**policy)) == expected
    assert error_of(lambda: iam.put_role_policy(RoleName="r", **policy)) == expected


def policy(action: str, resource: str, principal: Any = "*") -> str:
    return text(Action=action, Resource=resource, Principal=principal)


SQS_ERROR = ("InvalidAttributeValue", "Invalid value for the parameter Policy.", 400)


@pytest.mark.parametrize(
    "document",
    ["{", policy("sqs:*", "*", {"AWS": GONE}), policy("sns:Publish", "*"), text(Principal=None)],
)
def test_a_malformed_queue_policy_is_refused(aws: None, document: str) -> None:
    sqs = of("sqs")
    attributes = {"Policy": document}
    create = lambda: sqs.create_queue(QueueName="q", Attributes=attributes)  # noqa: E731
    assert error_of(create) == SQS_ERROR
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    put = lambda: sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)  # noqa: E731
    assert error_of(put) == SQS_ERROR
    good = {"Policy": policy("sqs:SendMessage", "*")}
    sqs.set_queue_attributes(QueueUrl=url, Attributes=good)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Invalid parameter: Policy Error: null"),
        (policy("sns:*", "*", {"AWS": GONE}), "Invalid parameter: Policy Error: PrincipalNotFound"),
        (
            policy("sqs:SendMessage", "*"),
            "Invalid parameter: Policy statement action out of service scope!",
        ),
    ],
)
def test_a_malformed_topic_policy_is_refused(aws: None, document: str, message: str) -> None:
    sns = of("sns")
    arn = sns.create_topic(Name="t")["TopicArn"]
    put: dict[str, str] = {"TopicArn": arn, "AttributeName": "Policy"}
    found = error_of(lambda: sns.set_topic_attributes(**put, AttributeValue=document))
    assert found == ("InvalidParameter", message, 400)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("{", "Policies must be valid JSON and the first byte must be '{'"),
        (policy("s3:*", "*", {"AWS": GONE}), "Invalid principal in policy"),
        (policy("ec2:*", "*"), "Policy has invalid action"),
        (
            text(Principal=None, Action="s3:*", Resource="*"),
            "Missing required field Principal",
        ),
        (text(Action="s3:*", Principal="*"), "Missing required field Resource"),
    ],
)
def test_a_malformed_bucket_policy_is_refused(aws: None, document: str, message: str) -> None:
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="things")
    found = error_of(lambda: of("s3").put_bucket_policy(Bucket="things", Policy=document))
    assert found == ("MalformedPolicy", message, 400)


def test_a_malformed_secret_policy_is_refused(aws: None) -> None:
    secrets = of("secretsmanager")
    secrets.create_secret(Name="s", SecretString="x")
    document = policy("secretsmanager:GetSecretValue", "*", {"AWS": GONE})
    found = error_of(lambda: secrets.put_resource_policy(SecretId="s", ResourcePolicy=document))
    message = "This resource policy contains an unsupported principal."
    assert found == ("MalformedPolicyDocumentException", message, 400)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (
            policy("kms:*", "*", {"AWS": GONE}),
            "Policy contains a statement with one or more invalid principals.",
        ),
        (
            policy("kms:Encrypt", "*"),
            "The new key policy will not allow you to update the key policy in the future.",
        ),
    ],
)
def test_a_malformed_key_policy_is_refused(aws: None, document: str, message: str) -> None:
    found = error_of(lambda: of("kms").create_key(Policy=document))
    assert found == ("MalformedPolicyDocumentException", message, 400)


@pytest.mark.parametrize(
    ("service", "call"),
    [
        (
            "dynamodb",
            lambda it: it.put_resource_policy(
                ResourceArn=f"arn:aws:dynamodb:eu-central-1:{ACCOUNT}:table/t", Policy="{}"
            ),
        ),
        ("events", lambda it: it.put_permission(Policy="{}")),
        (
            "kms",
            lambda it: it.create_grant(KeyId="k", GranteePrincipal=GONE, Operations=["Decrypt"]),
        ),
    ],
)
def test_a_policy_of_an_unsupported_resource_is_refused_by_name(
    aws: None, service: str, call: Callable[[Any], Any]
) -> None:
    code, message, status = error_of(lambda: call(of(service)))
    assert (code, status) == ("NotEmulated", 501)
    assert "not part of IAM's decision here" in message
