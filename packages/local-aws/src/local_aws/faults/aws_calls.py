"""The faults of services that are called by HTTP: a gate of the AWS endpoint."""

from datetime import UTC, datetime, timedelta

from local_aws.aws_call import AwsCall, AwsResponse, ConnectionLostError
from local_aws.faults.switch import (
    DELAY_SECONDS,
    SKEW_SECONDS,
    Dependency,
    Fault,
    Faults,
    Kind,
    wait,
)
from local_aws.iam.errors import error_response

_DEPENDENCIES = {
    "dynamodb": Dependency.DYNAMODB,
    "cognito-idp": Dependency.COGNITO,
    "kms": Dependency.SECRETS,
    "secretsmanager": Dependency.SECRETS,
}
# By service: the codes that its API reference lists under common and own errors.
_THROTTLED = {
    "dynamodb": ("ThrottlingException", "Rate of requests exceeds the allowed throughput."),
    "cognito-idp": ("TooManyRequestsException", "Rate exceeded"),
    "kms": ("ThrottlingException", "Rate exceeded"),
    "secretsmanager": ("ThrottlingException", "Rate exceeded"),
}
_FAILED = {
    "dynamodb": ("InternalServerError", "Internal server error"),
    "cognito-idp": ("InternalErrorException", "Something went wrong"),
    "kms": ("KMSInternalException", "The request failed because of an internal error."),
    "secretsmanager": ("InternalServiceError", "An error occurred on the server side."),
}


class FaultGate:
    """A gate that lets the calls of a service with a fault wait, fail or lose their connection."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def check(self, call: AwsCall) -> AwsResponse | None:
        """Return the fault's answer, or None if the call goes on.

        Raises:
            ConnectionLostError: the call gets no answer.
        """
        dependency = _DEPENDENCIES.get(call.service)
        fault = self._faults.of(dependency) if dependency else None
        return await _answer(call, fault) if fault else None


async def _answer(call: AwsCall, fault: Fault) -> AwsResponse | None:
    match fault.kind:
        case Kind.KILL:
            raise ConnectionLostError
        case Kind.HANG:
            await fault.ended.wait()
            raise ConnectionLostError
        case Kind.DELAY:
            await wait(fault, DELAY_SECONDS)
            return None
        case Kind.THROTTLE:
            return error_response(call, *_THROTTLED[call.service], 400)
        case Kind.ERROR:
            return error_response(call, *_FAILED[call.service], 500)
        case Kind.SKEW:
            return _signature_expired(call)


def _signature_expired(call: AwsCall) -> AwsResponse | None:
    """Return the error for a signature that is too old by the service's clock.

    A call without a signature has no time that the service could check.
    """
    if call.access_key is None:
        return None
    now = datetime.now(UTC) + timedelta(seconds=SKEW_SECONDS)
    signed = call.headers.get("x-amz-date", "")
    oldest = now - timedelta(minutes=5)
    message = (
        f"Signature expired: {signed} is now earlier than {oldest:%Y%m%dT%H%M%SZ}"
        f" ({now:%Y%m%dT%H%M%SZ} - 5 min.)"
    )
    return error_response(call, "InvalidSignatureException", message, 400)
