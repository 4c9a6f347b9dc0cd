"""What Cognito answers when it refuses."""

import json

from local_aws.aws_call import AwsResponse

CONTENT_TYPE = "application/x-amz-json-1.1"


class CognitoError(Exception):
    """An error that AWS would give: HTTP 400 with its own exception name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotEmulatedError(Exception):
    """Something real Cognito does and this one does not. Loud, so that nothing is silently allowed."""


def invalid_parameter(message: str) -> CognitoError:
    return CognitoError("InvalidParameterException", message)


def not_authorized(message: str) -> CognitoError:
    return CognitoError("NotAuthorizedException", message)


def bad_credentials() -> CognitoError:
    return not_authorized("Incorrect username or password.")


def refused(error: CognitoError) -> AwsResponse:
    return _response(400, error.code, error.message)


def not_emulated(error: NotEmulatedError) -> AwsResponse:
    return _response(
        501,
        "NotEmulated",
        f"cognito-idp: {error}. The laptop's AWS does not emulate this; see docs/fidelity.md.",
    )


def _response(status: int, code: str, message: str) -> AwsResponse:
    body = json.dumps({"__type": code, "message": message}).encode()
    return AwsResponse(status, body, {"content-type": CONTENT_TYPE, "x-amzn-ErrorType": code})
