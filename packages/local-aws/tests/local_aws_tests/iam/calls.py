"""Policy statements, calls that the gate decides, and the errors that boto3 raises."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local_aws.aws_call import AwsCall
from local_aws_tests.iam.conftest import ACCOUNT, REGION

Function = Callable[..., Callable[[str], Any]]


TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/UserAttributes"


def allow(action: str | list[str], resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource} | more


def own_items(action: str) -> dict[str, Any]:
    return allow(
        action, TABLE, Condition={"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "U#1*"}}
    )


def key(pk: str) -> dict[str, Any]:
    return {"pk": {"S": pk}, "sk": {"S": "META"}}


def refused(work: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        work()
    assert caught.value.response["Error"]["Code"] in ("AccessDeniedException", "AccessDenied")
    return caught.value.response["Error"]["Message"]


def call(
    service: str, action: str | None = None, body: Any = None, path: str = "/", query: str = ""
) -> AwsCall:
    return AwsCall(
        service, "POST", path, query, {}, json.dumps(body or {}).encode(), REGION, action
    )


def partition(action: str | list[str], *keys: str, resource: str = TABLE) -> dict[str, Any]:
    """Return a condition as in modules/api_lambda: each key of the request matches one of `keys`.

    It fails for requests without keys.
    """
    like = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": list(keys)}}
    return allow(action, resource, Condition=like | {"Null": {"dynamodb:LeadingKeys": "false"}})
