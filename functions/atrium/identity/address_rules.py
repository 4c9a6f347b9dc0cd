"""The rules of which e-mail addresses may get an account: sign-ups, invitations and imports.

Environment:

- `EMAIL_DOMAINS_DENIED` and `EMAIL_DOMAINS_ALLOWED`: domain names separated by commas or spaces. An
  entry includes its subdomains, so it has no `*.` or `.` before it. An empty list of allowed domains
  allows every one. Domains are compared in their normal form (atrium.http.domain_name).
- `EMAIL_PLUS_ADDRESSES`: `allow` or `refuse`. Mail to `ada+shop@` usually reaches `ada@`, so with
  `allow` a person can have many accounts. Cognito does not let a trigger change the address.
- `EMAIL_LOCAL_PARTS`: `any` or `ascii`. `ascii` refuses look-alikes such as a Cyrillic a before the
  @. After the @ they are visible, since a domain is stored in its ASCII form (`xn--…`).
"""

from atrium.http import domain_name
from atrium.http.text import Email
from atrium.runtime import config

_CHOICES = {"EMAIL_PLUS_ADDRESSES": ("allow", "refuse"), "EMAIL_LOCAL_PARTS": ("any", "ascii")}


class SettingError(Exception):
    """A setting of the function is invalid."""


class AddressRefusedError(Exception):
    """The address may have no account here. The message is for the person, without a full stop."""


def check(address: str) -> None:
    """Raise AddressRefusedError for an address that the settings refuse."""
    name, _, domain = address.rpartition("@")
    if not name or not domain:
        raise AddressRefusedError("An e-mail address is required to sign up")
    try:
        _check_domain(domain_name.normal(domain))
        Email.parse(address)
    except ValueError:
        raise AddressRefusedError(
            "This e-mail address is not accepted here. Use another address"
        ) from None
    if "+" in name and _chosen("EMAIL_PLUS_ADDRESSES") == "refuse":
        raise AddressRefusedError(
            "E-mail addresses with a plus sign are not accepted here. Leave out the part from + to @"
        )
    if not name.isascii() and _chosen("EMAIL_LOCAL_PARTS") == "ascii":
        raise AddressRefusedError(
            "Only the letters a to z are accepted before the @ of an e-mail address. Use another address"
        )


def check_settings() -> None:
    """Raise SettingError for a domain that is no domain name, or an unknown choice."""
    for variable in ("EMAIL_DOMAINS_DENIED", "EMAIL_DOMAINS_ALLOWED"):
        _domains(variable)
    for variable in _CHOICES:
        _chosen(variable)


def _check_domain(domain: str) -> None:
    allowed = _domains("EMAIL_DOMAINS_ALLOWED")
    if _listed(domain, _domains("EMAIL_DOMAINS_DENIED")) or (
        allowed and not _listed(domain, allowed)
    ):
        raise AddressRefusedError(
            f"E-mail addresses of {domain} are not accepted here. Use another address"
        )


def _chosen(variable: str) -> str:
    choices = _CHOICES[variable]
    found = config.optional(variable) or choices[0]
    if found not in choices:
        raise SettingError(f"{variable}: must be {' or '.join(choices)}, not {found}.")
    return found


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
