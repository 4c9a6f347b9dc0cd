"""The IAM check at the AWS endpoint.

A function's call passes only if its role's policies allow it.
"""

from urllib.parse import parse_qsl

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam import assumed_roles, policy_documents, role_use
from local_aws.iam.access import Access
from local_aws.iam.context import global_keys
from local_aws.iam.errors import error_response
from local_aws.iam.required_access import accesses
from local_aws.iam.sessions import Session, authorize, session
from local_aws.iam.trust import ASSUME

# IAM decides these calls by the tables, keys and attributes in the statement's text, which is not
# parsed here.
_PARTIQL = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_NO_PARTIQL = "PartiQL statements are not emulated. Use the item operations, such as GetItem, Query and PutItem."


class IamGate:
    """An interceptor whose `check` runs for every call before its service sees it."""

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """Return an error answer, or None if the call may pass.

        Calls signed with any other key are the operator's (Terraform, boto3, the console) and are
        allowed, unless a role's trust policy or a malformed policy document forbids them. Unsigned
        calls are AWS's public calls, such as Cognito's InitiateAuth.
        """
        if call.access_key is None:
            return None
        caller = session(call.access_key)
        # Temporary keys begin with ASIA. An unknown one is invented or belongs to a stack that was
        # deleted.
        if caller is None and call.access_key.startswith("ASIA"):
            return _unknown_token(call)
        refusal = _refused_session(call, caller) if caller else assumed_roles.refusal_of(call)
        return refusal or policy_documents.refusal_of(call) or role_use.refusal_of(call)


def _refused_session(call: AwsCall, caller: Session) -> AwsResponse | None:
    if _token(call) != caller.token:
        return _unknown_token(call)
    if caller.expired:
        return error_response(
            call,
            "ExpiredTokenException",
            "The security token included in the request is expired",
            400,
        )
    if call.service == "dynamodb" and call.action in _PARTIQL:
        return error_response(call, "NotEmulated", f"dynamodb:{call.action}: {_NO_PARTIQL}", 501)
    return next((_denied(call, caller, each, why) for each, why in _refusals(call, caller)), None)


def _refusals(call: AwsCall, caller: Session) -> list[tuple[Access, str]]:
    decisions = [
        (each, authorize(caller, each.action, each.resource, {**each.context, **global_keys(call)}))
        for each in (*accesses(call), *role_use.passed(call))
    ]
    return [(each, decision.reason) for each, decision in decisions if not decision.allowed]


def _token(call: AwsCall) -> str | None:
    """Return the session token from the header or from the query of a presigned URL."""
    return call.headers.get("x-amz-security-token") or dict(parse_qsl(call.query)).get(
        "X-Amz-Security-Token"
    )


def _denied(call: AwsCall, caller: Session, access: Access, reason: str) -> AwsResponse:
    return error_response(
        call,
        "AccessDeniedException",
        denial(caller.arn, access.action, access.resource, reason),
        400,
    )


def denial(caller: str, action: str, resource: str, reason: str) -> str:
    """Return AWS's message; STS gives no reason for a role that may not be assumed."""
    message = f"User: {caller} is not authorized to perform: {action} on resource: {resource}"
    return message if action == ASSUME else f"{message} {reason}"


def _unknown_token(call: AwsCall) -> AwsResponse:
    return error_response(
        call,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        400,
    )
