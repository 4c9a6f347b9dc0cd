"""Bucket policies, evaluated like all other policies, with their conditions and principals.

Importing this module patches moto. moto reads neither, so a policy that only denies calls without
TLS denied every object of the bucket to everybody.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/example-bucket-policies.html#example-bucket-policies-HTTP-HTTPS
"""

from typing import Any

from flask import has_request_context, request
from moto.iam.access_control import PermissionResult
from moto.s3.models import FakeBucket

from local_aws.aws_call import IN_WSGI, AwsCall
from local_aws.iam.context import Context, completed, global_keys
from local_aws.iam.decision import RESOURCE, decide
from local_aws.iam.policy import parse
from local_aws.iam.principal import Caller
from local_aws.iam.sessions import session
from local_aws.settings import ACCOUNT_ID

OPERATOR = Caller(ACCOUNT_ID, f"arn:aws:iam::{ACCOUNT_ID}:root")


def _permission(bucket: Any, action: str, resource: str) -> PermissionResult:
    """Return DENIED for an explicit deny, and NEUTRAL otherwise.

    The gate has already decided whether a role's session may make the call.
    """
    if not bucket.policy:
        return PermissionResult.NEUTRAL
    caller, keys = _caller()
    policy = parse(bucket.policy.decode(), RESOURCE, attached=True)
    context = completed(action, resource, keys)
    denied = decide([policy], action, resource, context, RESOURCE, caller).explicit
    return PermissionResult.DENIED if denied else PermissionResult.NEUTRAL


def _caller() -> tuple[Caller, Context]:
    """Return the caller of the current request, with the condition keys that are known of it."""
    call: AwsCall | None = request.environ.get(IN_WSGI) if has_request_context() else None
    if call is None:  # a call by moto's own patch of boto3
        return OPERATOR, {}
    known = session(call.access_key) if call.access_key else None
    return (
        (known.caller, {**global_keys(call), **known.keys()})
        if known
        else (OPERATOR, global_keys(call))
    )


FakeBucket.get_permission = _permission  # type: ignore[method-assign, assignment]
