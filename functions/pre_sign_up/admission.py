"""Who may sign up: by the domain of the e-mail, and by the consent given.

Environment: `EMAIL_DOMAINS_DENIED` and `EMAIL_DOMAINS_ALLOWED` (separated by commas or spaces; a domain stands for its
subdomains, too; an empty list of allowed ones allows every domain), `REQUIRED_CONSENT_VERSION` (empty: none required).
"""

from typing import Any

from atrium import config
from atrium.cognito_trigger import Refusal, TriggerEvent, TriggerRequest


class SignUpRequest(TriggerRequest, rename="camel", frozen=True):
    validation_data: dict[str, str] | None = None


class SignUp(TriggerEvent, rename="camel", frozen=True):
    request: SignUpRequest


def admit(sign_up: SignUp) -> dict[str, Any]:
    """Nothing to set in the response when admitted; raises Refusal when not."""
    _check_domain(sign_up.request.user_attributes.get("email", ""))
    if sign_up.trigger_source == "PreSignUp_SignUp":  # an invited or federated person has no form to consent on
        _check_consent(sign_up.request)
    return {}


def _check_domain(email: str) -> None:
    name, _, domain = email.rpartition("@")
    if not name or not domain:
        raise Refusal("An e-mail address is required to sign up")
    allowed = _domains("EMAIL_DOMAINS_ALLOWED")
    if _listed(domain, _domains("EMAIL_DOMAINS_DENIED")) or (allowed and not _listed(domain, allowed)):
        raise Refusal(f"E-mail addresses of {domain} are not accepted here. Use another address")


def _check_consent(request: SignUpRequest) -> None:
    required = config.optional("REQUIRED_CONSENT_VERSION")
    given = (request.client_metadata or {}) | (request.validation_data or {})
    if required and given.get("consent_version") != required:
        raise Refusal(f"Please accept version {required} of the terms to sign up")


def _domains(variable: str) -> list[str]:
    return config.optional(variable).lower().replace(",", " ").split()


def _listed(domain: str, domains: list[str]) -> bool:
    labels = domain.lower().rstrip(".")
    return any(labels == listed or labels.endswith(f".{listed}") for listed in domains)
