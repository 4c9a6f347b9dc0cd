"""Error answers of the validation, with the service's own code, message and format."""

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.request_model.constraints import Violation

DEFAULT_CODE = "ValidationException"
# From each API's "Common errors" and the errors of its operations.
CODES = {
    "cognito-idp": "InvalidParameterException",
    "ec2": "InvalidParameterValue",
    "iam": "ValidationError",
    "logs": "InvalidParameterException",
    "monitoring": "ValidationError",
    "rds": "InvalidParameterValue",
    "s3": "InvalidArgument",
    "sns": "InvalidParameter",
    "sqs": "InvalidParameterValue",
    "sts": "ValidationError",
    "tagging": "InvalidParameterException",
    "wafv2": "WAFInvalidParameterException",
    "xray": "InvalidRequestException",
}


# The runtimes that Lambda names when it rejects another one, in its order (March 2026).
_RUNTIMES = (
    "nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, "
    "java25, python3.10, python3.11, java21, ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, "
    "java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, provided.al2, java8.al2"
)


def refusal(call: AwsCall, found: Sequence[Violation]) -> AwsResponse:
    """Return the service's answer to a request that its model does not accept."""
    if call.service == "lambda" and [each.path for each in found] == ["runtime"]:
        return _unknown_runtime(str(found[0].value))
    errors = "1 validation error" if len(found) == 1 else f"{len(found)} validation errors"
    message = f"{errors} detected: {'; '.join(map(str, found))}"
    code = CODES.get(call.service, DEFAULT_CODE)
    if call.service == "s3":
        return _xml(f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>")
    if "x-www-form-urlencoded" in call.headers.get("content-type", ""):
        error = (
            f"<Error><Type>Sender</Type><Code>{code}</Code>"
            f"<Message>{escape(message)}</Message></Error>"
        )
        wrapped = (
            f"<Response><Errors>{error}</Errors></Response>" if call.service == "ec2" else None
        )
        return _xml(wrapped or f"<ErrorResponse>{error}</ErrorResponse>")
    body = json.dumps({"__type": code, "message": message}).encode()
    return AwsResponse(400, body, {"content-type": "application/json", "x-amzn-errortype": code})


def _unknown_runtime(name: str) -> AwsResponse:
    """Return Lambda's own error: an unknown runtime is no violation of its model."""
    message = (
        f"Value {name} at 'runtime' failed to satisfy constraint: "
        f"Member must satisfy enum value set: [{_RUNTIMES}] or be a valid ARN"
    )
    headers = {
        "content-type": "application/json",
        "x-amzn-errortype": "InvalidParameterValueException",
    }
    return AwsResponse(400, json.dumps({"Type": "User", "message": message}).encode(), headers)


def _xml(text: str) -> AwsResponse:
    return AwsResponse(400, text.encode(), {"content-type": "text/xml"})
