"""Cognito's error answers."""

import json

from local_aws.aws_call import AwsResponse

CONTENT_TYPE = "application/x-amz-json-1.1"


class CognitoError(Exception):
    """An error of AWS: HTTP 400 with AWS's exception name."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class NotEmulatedError(Exception):
    """A feature of Cognito that is not emulated.

    The error is explicit, so that nothing is silently allowed.
    """


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
        f"cognito-idp: not emulated: {error}. docs/fidelity.md lists what is emulated.",
    )


def _response(status: int, code: str, message: str) -> AwsResponse:
    body = json.dumps({"__type": code, "message": message}).encode()
    return AwsResponse(status, body, {"content-type": CONTENT_TYPE, "x-amzn-ErrorType": code})
