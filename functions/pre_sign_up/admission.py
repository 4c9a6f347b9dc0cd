"""The rules of who may sign up: by invitation only, by the e-mail address, and with the consent given.

Environment: `INVITE_ONLY` (`true` or `false`), `REQUIRED_CONSENT_VERSION` (empty: none required),
and the settings of atrium/identity/address_rules.py.
"""

from typing import Any

from atrium.identity import address_rules
from atrium.identity.address_rules import AddressRefusedError, SettingError
from atrium.identity.cognito_trigger import RefusalError, TriggerEvent, TriggerRequest
from atrium.runtime import config

INVITATION = "PreSignUp_AdminCreateUser"


class SignUpRequest(TriggerRequest, rename="camel", frozen=True):
    validation_data: dict[str, str] | None = None


class SignUp(TriggerEvent, rename="camel", frozen=True):
    request: SignUpRequest


def admit(sign_up: SignUp) -> dict[str, Any]:
    """Return an empty response to admit the person. Raise RefusalError otherwise."""
    if _is_invite_only() and sign_up.trigger_source != INVITATION:
        raise RefusalError("Accounts are by invitation only. Ask an administrator to invite you")
    try:
        address_rules.check(sign_up.request.user_attributes.get("email", ""))
    except AddressRefusedError as refused:
        raise RefusalError(str(refused)) from None
    if (
        sign_up.trigger_source == "PreSignUp_SignUp"
    ):  # invited and federated users have no form with the consent
        _check_consent(sign_up.request)
    return {}


def _check_consent(request: SignUpRequest) -> None:
    required = config.optional("REQUIRED_CONSENT_VERSION")
    given = (request.client_metadata or {}) | (request.validation_data or {})
    if required and given.get("consent_version") != required:
        raise RefusalError(f"Please accept version {required} of the terms to sign up")


def check_settings() -> None:
    """Raise SettingError for an invalid setting."""
    address_rules.check_settings()
    _is_invite_only()


def _is_invite_only() -> bool:
    found = config.optional("INVITE_ONLY") or "false"
    if found not in ("true", "false"):
        raise SettingError(f"INVITE_ONLY: must be true or false, not {found}.")
    return found == "true"
