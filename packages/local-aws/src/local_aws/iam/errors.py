"""Error answers in the protocol of the service that was called."""

import json
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse

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
_REST_JSON = {
    "lambda",
    "xray",
    "apigateway",
    "execute-api",
    "scheduler",
    "ses",
}  # SES v2; v1 is a 501
# Services with XML answers use 403 for these errors, and omit the suffix "Exception".
_FORBIDDEN = {"AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException"}


def error_response(call: AwsCall, code: str, message: str, status: int) -> AwsResponse:
    """Return the error in the format of the service's protocol."""
    target = "x-amz-target" in call.headers
    if code in _FORBIDDEN and (call.service == "sqs" or not (call.service in _JSON or target)):
        status = 403
        code = code if call.service in _REST_JSON else code.removesuffix("Exception")
    if call.service == "sqs":
        body = {"__type": f"com.amazonaws.sqs#{code}", "message": message}
        query_error = {"x-amzn-query-error": f"{code};Sender"}
        return _json(status, body, query_error) if target else _xml(call, status, code, message)
    if call.service == "dynamodb":
        return _json(status, {"__type": f"com.amazon.coral.service#{code}", "Message": message})
    if call.service in _JSON or target:
        return _json(status, {"__type": code, "Message": message, "message": message})
    if call.service in _REST_JSON:
        headers = {"x-amzn-errortype": code}
        return _json(status, {"Message": message}, headers, "application/json")
    return _xml(call, status, code, message)


def _json(
    status: int,
    body: dict[str, str],
    headers: dict[str, str] | None = None,
    kind: str = "application/x-amz-json-1.1",
) -> AwsResponse:
    return AwsResponse(status, json.dumps(body).encode(), {"content-type": kind} | (headers or {}))


def _xml(call: AwsCall, status: int, code: str, message: str) -> AwsResponse:
    content = f"<Code>{code}</Code><Message>{escape(message)}</Message>"
    body = (
        f"<Error>{content}<RequestId>local</RequestId></Error>"
        if call.service == "s3"
        else f"<ErrorResponse><Error><Type>Sender</Type>{content}</Error>"
        "<RequestId>local</RequestId></ErrorResponse>"
    )
    return AwsResponse(status, body.encode(), {"content-type": "text/xml"})
