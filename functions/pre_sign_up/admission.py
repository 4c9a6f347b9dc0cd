"""The rules of who may sign up: the domain of the e-mail, and the consent given.

Environment: `EMAIL_DOMAINS_DENIED` and `EMAIL_DOMAINS_ALLOWED`, domain names separated by commas or
spaces. An entry includes its subdomains, so it has no `*.` or `.` before it. An empty list of
allowed domains allows every one. `REQUIRED_CONSENT_VERSION` (empty: none required). Domains are
compared in their normal form (atrium.http.domain_name).
"""

from typing import Any

from atrium.http import domain_name
from atrium.http.text import Email
from atrium.identity.cognito_trigger import RefusalError, TriggerEvent, TriggerRequest
from atrium.runtime import config


class SettingError(Exception):
    """A setting of the function is invalid."""


class SignUpRequest(TriggerRequest, rename="camel", frozen=True):
    validation_data: dict[str, str] | None = None


class SignUp(TriggerEvent, rename="camel", frozen=True):
    request: SignUpRequest


def admit(sign_up: SignUp) -> dict[str, Any]:
    """Return an empty response to admit the person. Raise RefusalError otherwise."""
    _check_domain(sign_up.request.user_attributes.get("email", ""))
    if (
        sign_up.trigger_source == "PreSignUp_SignUp"
    ):  # invited and federated users have no form with the consent
        _check_consent(sign_up.request)
    return {}


def _check_domain(address: str) -> None:
    name, _, domain = address.rpartition("@")
    if not name or not domain:
        raise RefusalError("An e-mail address is required to sign up")
    try:
        domain = domain_name.normal(domain)
        allowed = _domains("EMAIL_DOMAINS_ALLOWED")
        if _listed(domain, _domains("EMAIL_DOMAINS_DENIED")) or (
            allowed and not _listed(domain, allowed)
        ):
            raise RefusalError(
                f"E-mail addresses of {domain} are not accepted here. Use another address"
            )
        Email.parse(address)
    except ValueError:
        raise RefusalError(
            "This e-mail address is not accepted here. Use another address"
        ) from None


def _check_consent(request: SignUpRequest) -> None:
    required = config.optional("REQUIRED_CONSENT_VERSION")
    given = (request.client_metadata or {}) | (request.validation_data or {})
    if required and given.get("consent_version") != required:
        raise RefusalError(f"Please accept version {required} of the terms to sign up")


def check_settings() -> None:
    """Raise SettingError for an entry of the lists that is not a domain name."""
    for variable in ("EMAIL_DOMAINS_DENIED", "EMAIL_DOMAINS_ALLOWED"):
        _domains(variable)


def _domains(variable: str) -> frozenset[str]:
    return frozenset(
        _entry(variable, entry) for entry in config.optional(variable).replace(",", " ").split()
    )


def _entry(variable: str, entry: str) -> str:
    try:
        return domain_name.normal(entry)
    except ValueError:
        advice = f"Write {entry.lstrip('*.') or 'example.org'}: an entry includes its subdomains."
        raise SettingError(f"{variable}: {entry} is not a domain name. {advice}") from None


def _listed(domain: str, domains: frozenset[str]) -> bool:
    labels = domain.split(".")
    return any(".".join(labels[place:]) in domains for place in range(len(labels)))
