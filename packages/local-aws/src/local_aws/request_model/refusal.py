"""Error answers of the validation, with the service's own code, message and format."""

import json
from collections.abc import Sequence
from xml.sax.saxutils import escape

from local_aws.aws_call import AwsCall, AwsResponse
from local_aws.request_model.constraints import Violation

DEFAULT_CODE = "ValidationException"
# From each API's "Common errors" and the errors of its operations.
CODES = {
    "apigateway": "BadRequestException",
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


def refusal(call: AwsCall, found: Sequence[Violation]) -> AwsResponse:
    """Return the service's answer to a request that its model does not accept."""
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


def _xml(text: str) -> AwsResponse:
    return AwsResponse(400, text.encode(), {"content-type": "text/xml"})
