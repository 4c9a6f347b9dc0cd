"""Six-digit codes that prove access to a mailbox."""

import hmac
import secrets

from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import User
from local_aws.cognito.service import Service
from local_aws.cognito.state import Code, Purpose

# Lifetimes of codes in seconds, from Cognito's quotas.
LIFETIME = {
    Purpose.CONFIRM_SIGN_UP: 24 * 3600,
    Purpose.RESET_PASSWORD: 3600,
    Purpose.VERIFY_EMAIL: 24 * 3600,
}


def create(service: Service, user: User, purpose: Purpose) -> str:
    """Create a code and invalidate the previous one."""
    value = f"{secrets.randbelow(10**6):06}"
    service.state.codes[user.id, purpose] = Code(value, service.clock() + LIFETIME[purpose])
    return value


def check(service: Service, user: User, purpose: Purpose, value: str) -> None:
    """Check a code, which stays valid until `spend`.

    Raise ExpiredCodeException or CodeMismatchException.
    """
    code = service.state.codes.get((user.id, purpose))
    if code is None or code.expires_at <= service.clock():
        raise expired()
    if not hmac.compare_digest(code.value.encode(), value.encode()):
        raise mismatch()


def spend(service: Service, user: User, purpose: Purpose) -> None:
    service.state.codes.pop((user.id, purpose), None)


def expired() -> CognitoError:
    return CognitoError(
        "ExpiredCodeException", "Invalid code provided, please request a code again."
    )


def mismatch() -> CognitoError:
    return CognitoError(
        "CodeMismatchException", "Invalid verification code provided, please try again."
    )
