"""Errors of the Invoke API, in AWS's wording."""

import json
from dataclasses import dataclass

from local_aws.aws_call import AwsResponse

# https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html#API_Invoke_Errors


@dataclass(frozen=True)
class InvokeError(Exception):
    """A rejected Invoke: the function was not run.

    `status` and `type` are those of the Invoke API's answer.
    """

    status: int
    type: str
    message: str
    reason: str | None = None

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"

    def response(self) -> AwsResponse:
        body = {"Type": "User", "Message": self.message, "message": self.message}
        if self.reason:
            body["Reason"] = self.reason
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": self.type}
        return AwsResponse(self.status, json.dumps(body).encode(), headers)


def invalid(message: str) -> InvokeError:
    return InvokeError(400, "InvalidParameterValueException", message)


def not_found(message: str) -> InvokeError:
    return InvokeError(404, "ResourceNotFoundException", message)


def function_not_found(arn: str) -> InvokeError:
    return InvokeError(404, "ResourceNotFoundException", f"Function not found: {arn}")


def layer_not_found(function: str) -> InvokeError:
    message = (
        f"A layer of {function} was deleted. The laptop keeps a deleted layer only for $LATEST, "
        "for versions that an alias names, and for newer ones. "
        "Publish the function again."
    )
    return InvokeError(502, "ResourceNotFoundException", message)


def role_not_assumable() -> InvokeError:
    message = "The role defined for the function cannot be assumed by Lambda."
    return InvokeError(403, "AccessDeniedException", message)


def payload_too_large(size: int, limit: int) -> InvokeError:
    message = f"{size} byte payload is too large for the invocation (limit {limit} bytes)"
    return InvokeError(413, "RequestEntityTooLargeException", message)


def throttled(reason: str) -> InvokeError:
    return InvokeError(429, "TooManyRequestsException", "Rate Exceeded.", reason)


def access_denied(principal: str, arn: str) -> InvokeError:
    message = f"{principal} is not authorized to perform: lambda:InvokeFunction on resource: {arn}"
    return InvokeError(403, "AccessDeniedException", message)
