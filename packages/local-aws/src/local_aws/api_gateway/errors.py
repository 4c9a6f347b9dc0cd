"""API Gateway's own errors, by gateway response type.

https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
"""

from dataclasses import dataclass


class NotEmulatedError(Exception):
    """A feature that is not emulated; the answer is an explicit 501."""


@dataclass(frozen=True)
class GatewayError(Exception):
    """An error answer of the gateway.

    `message` goes to the client. `reason` goes only to the log, like AWS's execution log.
    """

    type: str
    status: int
    message: str
    error_type: str  # the header x-amzn-ErrorType
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.type}: {self.reason or self.message}"


def missing_authentication_token() -> GatewayError:
    """Return AWS's answer to an unknown path or method.

    AWS treats an unrouted request as an unsigned management call.
    """
    return GatewayError(
        "MISSING_AUTHENTICATION_TOKEN", 403, "Missing Authentication Token", "MissingAuthenticationTokenException",
        "no such path or method",
    )  # fmt: skip


def unauthorized(reason: str, message: str = "Unauthorized") -> GatewayError:
    return GatewayError("UNAUTHORIZED", 401, message, "UnauthorizedException", reason)


def invalid_api_key(reason: str) -> GatewayError:
    return GatewayError("INVALID_API_KEY", 403, "Forbidden", "ForbiddenException", reason)


def throttled(reason: str) -> GatewayError:
    return GatewayError("THROTTLED", 429, "Too Many Requests", "TooManyRequestsException", reason)


def quota_exceeded(reason: str) -> GatewayError:
    return GatewayError("QUOTA_EXCEEDED", 429, "Limit Exceeded", "LimitExceededException", reason)


def request_too_large(reason: str) -> GatewayError:
    return GatewayError(
        "REQUEST_TOO_LARGE", 413, "Request Too Long", "RequestTooLargeException", reason
    )


def bad_request_parameters(missing: list[str]) -> GatewayError:
    message = f"Missing required request parameters: [{', '.join(missing)}]"
    return GatewayError("BAD_REQUEST_PARAMETERS", 400, message, "BadRequestException")


def bad_request_body(reason: str) -> GatewayError:
    return GatewayError(
        "BAD_REQUEST_BODY", 400, "Invalid request body", "BadRequestException", reason
    )


def unsupported_media_type(content_type: str) -> GatewayError:
    return GatewayError(
        "UNSUPPORTED_MEDIA_TYPE", 415, "Unsupported Media Type", "BadRequestException",
        f"the integration has request templates, but none for {content_type}",
    )  # fmt: skip


def integration_timeout(seconds: float) -> GatewayError:
    return GatewayError(
        "INTEGRATION_TIMEOUT", 504, "Endpoint request timed out", "InternalServerErrorException",
        f"the integration took longer than {seconds:g} s",
    )  # fmt: skip


def configuration_error(reason: str) -> GatewayError:
    return GatewayError(
        "API_CONFIGURATION_ERROR", 500, "Internal server error", "InternalServerErrorException", reason
    )  # fmt: skip


def bad_gateway(reason: str) -> GatewayError:
    """Return the error for a failed function or a malformed answer.

    AWS has no type for it: it answers DEFAULT_5XX with status 502.
    """
    return GatewayError(
        "DEFAULT_5XX", 502, "Internal server error", "InternalServerErrorException", reason
    )
