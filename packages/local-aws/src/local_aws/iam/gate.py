"""The IAM check at the AWS endpoint.

A function's call passes only if its role's policies allow it.
"""

import json
from datetime import UTC, datetime
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.iam.access import Access, accesses
from local_aws.iam.sessions import Session, authorize, session

# The protocols of current SDKs. All other services use the old query protocol, which answers in
# XML.
_JSON = {
    "dynamodb",
    "logs",
    "kms",
    "ssm",
    "secretsmanager",
    "cognito-idp",
    "sqs",
    "events",
    "tagging",
}
_REST_JSON = {"lambda", "xray", "apigateway", "execute-api", "scheduler"}

# IAM decides these calls by the tables, keys and attributes in the statement's text, which is not
# parsed here.
_PARTIQL = {"ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"}
_NO_PARTIQL = "PartiQL statements are not emulated. Use the item operations, such as GetItem, Query and PutItem."


class IamGate:
    """An interceptor whose `check` runs for every call before its service sees it."""

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """Return an error answer, or None if the call may pass.

        Calls signed with any other key are the operator's (Terraform, boto3, the console) and are
        allowed. Unsigned calls are allowed too: they are AWS's public calls, such as Cognito's
        InitiateAuth.
        """
        if call.access_key is None:
            return None
        caller = session(call.access_key)
        if caller is None:
            # Temporary keys begin with ASIA. An unknown one is invented or belongs to a stack that
            # was deleted.
            return _unknown_token(call) if call.access_key.startswith("ASIA") else None
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
            return error_response(
                call, "NotEmulated", f"dynamodb:{call.action}: {_NO_PARTIQL}", 501
            )
        return next(
            (_denied(call, caller, each, why) for each, why in _refusals(call, caller)), None
        )


def _refusals(call: AwsCall, caller: Session) -> list[tuple[Access, str]]:
    decisions = [
        (each, authorize(caller, each.action, each.resource, {**each.context, **_keys(call)}))
        for each in accesses(call)
    ]
    return [(each, decision.reason) for each, decision in decisions if not decision.allowed]


def _token(call: AwsCall) -> str | None:
    """Return the session token from the header or from the query of a presigned URL."""
    return call.headers.get("x-amz-security-token") or dict(parse_qsl(call.query)).get(
        "X-Amz-Security-Token"
    )


def _keys(call: AwsCall) -> dict[str, str]:
    """Return the global condition keys of every request, as far as a laptop knows them."""
    now = datetime.now(UTC)
    return {
        "aws:CurrentTime": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:RequestedRegion": call.region,
        "aws:SecureTransport": "true",  # AWS calls arrive by TLS; loopback replaces TLS here
        "aws:UserAgent": call.headers.get("user-agent", ""),
        "aws:PrincipalIsAWSService": "false",
        "aws:ViaAWSService": "false",
    }


def _denied(call: AwsCall, caller: Session, access: Access, reason: str) -> AwsResponse:
    message = (
        f"User: {caller.arn} is not authorized to perform: {access.action} "
        f"on resource: {access.resource} {reason}"
    )
    return error_response(call, "AccessDeniedException", message, 400)


def _unknown_token(call: AwsCall) -> AwsResponse:
    return error_response(
        call,
        "UnrecognizedClientException",
        "The security token included in the request is invalid.",
        400,
    )


def error_response(call: AwsCall, code: str, message: str, status: int) -> AwsResponse:
    """Return the error in the format of the service's protocol."""
    target = "x-amz-target" in call.headers
    if call.service == "sqs":
        short = code.removesuffix("Exception")
        body = {"__type": f"com.amazonaws.sqs#{short}", "message": message}
        return (
            _json(403, body, {"x-amzn-query-error": f"{short};Sender"})
            if target
            else _xml(short, message)
        )
    if call.service == "dynamodb":
        return _json(status, {"__type": f"com.amazon.coral.service#{code}", "Message": message})
    if call.service in _JSON or target:
        return _json(status, {"__type": code, "Message": message, "message": message})
    if call.service in _REST_JSON:
        return _json(403, {"Message": message}, {"x-amzn-errortype": code}, "application/json")
    return _xml(code.removesuffix("Exception"), message)


def _json(
    status: int,
    body: dict[str, str],
    headers: dict[str, str] | None = None,
    kind: str = "application/x-amz-json-1.1",
) -> AwsResponse:
    return AwsResponse(status, json.dumps(body).encode(), {"content-type": kind} | (headers or {}))


def _xml(code: str, message: str) -> AwsResponse:
    error = (
        f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    )
    body = f"<ErrorResponse>{error}<RequestId>local</RequestId></ErrorResponse>"
    return AwsResponse(403, body.encode(), {"content-type": "text/xml"})
