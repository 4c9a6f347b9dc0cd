import asyncio
import io
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config

from local_aws.aws_call import AwsCall
from local_aws.control_plane.endpoint import CREDENTIAL
from local_aws.iam.gate import IamGate

# Import after the gate's modules: they set moto's account number, which moto reads at import.
from moto import mock_aws  # isort: skip

from local_aws.iam import sessions

REGION = "eu-central-1"
ACCOUNT = "000000000000"
# The trust policy of a role that Lambda and everyone in the account may assume.
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com", "AWS": "000000000000"},
            "Action": "sts:AssumeRole",
        },
    }
)


class Body(io.BytesIO):
    """A response body with the part of urllib3's interface that botocore uses."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


def through_the_gate(request: AWSPreparedRequest, **_: Any) -> AWSResponse | None:
    """Return the gate's refusal as a response for botocore, or None, so that moto answers."""
    call = as_call(request)
    refusal = asyncio.run(IamGate().check(call))
    if refusal is None:
        return None
    # without this, moto would answer nevertheless
    url, request.url = request.url, "http://refused.invalid/"
    return AWSResponse(
        url,
        refusal.status,
        HTTPHeaders.from_dict(dict(refusal.headers)),
        Body(refusal.body),
    )


def as_call(request: AWSPreparedRequest) -> AwsCall:
    texts = {
        name.lower(): v.decode() if isinstance(v, bytes) else str(v)
        for name, v in request.headers.items()
    }
    signed = CREDENTIAL.search(texts.get("authorization", ""))
    assert request.method
    body = request.body or b""
    if not isinstance(body, bytes | str):  # a stream, as in an upload to S3
        body = b""
    body = body.encode() if isinstance(body, str) else body
    assert isinstance(body, bytes)
    url, form = urlsplit(request.url), dict(parse_qsl(body.decode()))
    return AwsCall(
        service=signed[3] if signed else "cognito-idp",
        method=request.method,
        path=url.path,
        query=url.query,
        headers=texts,
        body=body,
        region=signed[2] if signed else REGION,
        action=texts.get("x-amz-target", "").rpartition(".")[2] or form.get("Action"),
        access_key=signed[1] if signed else None,
    )


@pytest.fixture
def aws() -> Iterator[None]:
    with mock_aws():
        yield


Client = Callable[[str], Any]


@pytest.fixture
def table(aws: None) -> None:
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk", "gsi1pk")]
    boto3.client("dynamodb", region_name=REGION).create_table(
        TableName="UserAttributes",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=attributes,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        GlobalSecondaryIndexes=[
            {
                "IndexName": "GSI1",
                "KeySchema": [{"AttributeName": "gsi1pk", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "ALL"},
            }
        ],
    )


@pytest.fixture
def function(aws: None) -> Callable[..., Client]:
    """Return a function that creates a role and returns a factory of boto3 clients with its
    session.
    """

    def function(
        *statements: dict[str, Any], boundary: str | None = None, name: str = "users"
    ) -> Client:
        make_role(name, statements, boundary)
        key, secret, token, _ = sessions.credentials_for(
            f"arn:aws:iam::{ACCOUNT}:role/{name}", "worker"
        )
        return lambda service: client(service, key, secret, token)

    return function


def make_role(name: str, statements: Any, boundary: str | None = None) -> None:
    iam = boto3.client("iam", region_name=REGION)
    more = {"PermissionsBoundary": boundary} if boundary else {}
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=TRUST,
        Tags=[{"Key": "team", "Value": "ada"}],
        **more,
    )
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document(*statements))


def client(service: str, key: str, secret: str, token: str | None) -> Any:
    made: Any = boto3.client(  # type: ignore[call-overload]
        service,
        region_name=REGION,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=token,
        config=Config(s3={"addressing_style": "path"}),  # as for every endpoint without a host name
    )
    made.meta.events.register_first("before-send", through_the_gate)
    return made


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
