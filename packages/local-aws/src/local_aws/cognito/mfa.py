"""Authenticator apps as a second factor; SMS and e-mail factors are not emulated."""

import base64
import json
import secrets

from local_aws.cognito import lockout, totp
from local_aws.cognito.errors import CognitoError, NotEmulatedError, invalid_parameter
from local_aws.cognito.pools import Pool, User
from local_aws.cognito.requests import MfaSettings
from local_aws.cognito.service import Service
from local_aws.cognito.state import SoftwareToken

SOFTWARE_TOKEN = "SOFTWARE_TOKEN_MFA"  # noqa: S105 - the name of a challenge
SETUP = "MFA_SETUP"
SECRET_LENGTH = 32  # bytes


def demanded(service: Service, pool: Pool, user: User) -> str | None:
    """Return the pool's challenge for this user after the password."""
    if pool.mfa_config == "OFF":
        return None
    if _token(service, user).secret and (
        user.software_token_mfa_enabled or pool.mfa_config == "ON"
    ):
        return SOFTWARE_TOKEN
    return SETUP if pool.mfa_config == "ON" else None


def challenge_parameters(user: User, challenge: str) -> dict[str, str]:
    known = {"USER_ID_FOR_SRP": user.username}
    return known | {"MFAS_CAN_SETUP": json.dumps([SOFTWARE_TOKEN])} if challenge == SETUP else known


def offer(service: Service, pool: Pool, user: User) -> str:
    """Create a secret in base32 for an app; nothing changes until `confirm`."""
    if not (pool.token_mfa_config or {}).get("Enabled"):
        message = "Software Token MFA has not been enabled by the userPool"
        raise CognitoError("SoftwareTokenMFANotFoundException", message)
    token = service.state.software_tokens.setdefault(user.id, SoftwareToken())
    token.offered = secrets.token_bytes(SECRET_LENGTH)
    return base64.b32encode(token.offered).decode().rstrip("=")


def confirm(service: Service, pool: Pool, user: User, code: str) -> None:
    """Check the app's code and replace the previous secret."""
    token = _token(service, user)
    if token.offered is None:
        raise invalid_parameter(
            "No software token is waiting to be verified: call AssociateSoftwareToken first."
        )
    step = totp.step_of(token.offered, code, service.clock())
    if step is None:
        raise CognitoError("EnableSoftwareTokenMFAException", "Code mismatch")
    token.secret, token.offered, token.used_step = token.offered, None, step
    user.token_verified = True
    user.software_token_mfa_enabled = user.software_token_mfa_enabled or pool.mfa_config == "ON"


def require_code(service: Service, pool: Pool, user: User, code: str) -> None:
    """Check a code of the app.

    Raise CodeMismatchException; ExpiredCodeException for a used code; or NotAuthorizedException
    while the user is locked out.
    """
    lockout.require_open(service, pool, user)
    token = _token(service, user)
    step = totp.step_of(token.secret, code, service.clock()) if token.secret else None
    if step is None:
        lockout.count(service, pool, user)
        raise CognitoError("CodeMismatchException", "Invalid code received for user")
    if step <= token.used_step:
        raise CognitoError(
            "ExpiredCodeException", "Your software token has already been used once."
        )
    token.used_step = step


def set_preference(
    service: Service,
    user: User,
    software: MfaSettings | None,
    sms: MfaSettings | None,
    email: MfaSettings | None,
) -> None:
    """Set the preferences that the request mentions, and keep the others."""
    for name, settings in (("SMSMfaSettings", sms), ("EmailMfaSettings", email)):
        if settings and settings.enabled:
            raise NotEmulatedError(f"a second factor by {name}")
    if software is None:
        return
    if software.enabled and not _token(service, user).secret:
        raise invalid_parameter("User has not verified software token mfa")
    if software.preferred_mfa and not software.enabled:
        raise invalid_parameter("A second factor that is not enabled cannot be preferred.")
    user.software_token_mfa_enabled = software.enabled
    user.preferred_mfa_setting = SOFTWARE_TOKEN if software.preferred_mfa else None


def _token(service: Service, user: User) -> SoftwareToken:
    return service.state.software_tokens.get(user.id, SoftwareToken())
