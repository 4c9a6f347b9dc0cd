"""The settings of an environment on AWS: their names, accepted values and Terraform variables.

`.env` on a developer's machine and GitHub's repository variables use the same names.
`.env.example` explains them.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Parse = Callable[[str], Any]  # raises ValueError that names the accepted form
WIDEST = {4: 16, 6: 32}  # modules/bastion refuses the rest


@dataclass(frozen=True)
class Knob:
    """One setting. `terraform` is the variable of `envs/` that receives it.

    With `key`, the setting is one part of that variable, which is then an object. All parts are
    set together or not at all, except those that are `extra`.
    """

    name: str
    parse: Parse
    required: bool = False
    terraform: str = ""
    key: str = ""
    extra: bool = False


def _matching(pattern: str, wanted: str) -> Parse:
    def parse(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {wanted}")
        return text

    return parse


def _list_of(parse_one: Parse) -> Parse:
    def parse(text: str) -> list[Any]:
        return [parse_one(part.strip()) for part in text.split(",") if part.strip()]

    return parse


def _cidr(text: str) -> str:
    try:
        network = ipaddress.ip_network(text)
    except ValueError as error:
        raise ValueError(
            f"must be CIDR ranges separated by commas, such as 203.0.113.7/32: {error}"
        ) from None
    if network.prefixlen < WIDEST[network.version]:
        raise ValueError(
            f"must not contain a range wider than /{WIDEST[network.version]}, as {text} is"
        )
    return str(network)


_ACCOUNT = _matching(r"\d{12}", "the twelve digits of an AWS account")
_ARN = _matching(r"arn:aws[a-z-]*:[a-z]+:\S+", "an ARN")
_NUMBER = _matching(r"\d+", "a number")
_URL = _matching(r"https?://\S+", "URLs (https://…) separated by commas")

KNOBS = (
    Knob(
        "PROJECT_NAME",
        _matching("[a-z][a-z0-9]*", "lower-case letters and digits"),
        True,
        "project",
    ),
    Knob("STAGE", _matching("[a-z][a-z0-9]*", "a folder of envs/, such as dev")),
    Knob("AWS_PROFILE", _matching(r"\S+", "a profile of ~/.aws/config")),
    Knob(
        "AWS_REGION",
        _matching(r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1"),
        True,
        "region",
    ),
    Knob("AWS_ACCOUNT_ID", _ACCOUNT, True, "account_id"),
    Knob(
        "STATE_BUCKET",
        _matching(
            "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "3 to 63 lower-case letters, digits and inner hyphens",
        ),
        True,
        "state_bucket",
    ),
    Knob("ALLOWED_CIDRS", _list_of(_cidr), terraform="allowed_cidrs"),
    Knob(
        "ALARM_EMAILS",
        _list_of(_matching(r"[^@\s]+@[^@\s]+", "e-mail addresses separated by commas")),
        terraform="alarm_emails",
    ),
    Knob(
        "CUSTOM_DOMAIN",
        _matching(r"([a-z0-9-]+\.)+[a-z]{2,}", "a host name such as api.example.com"),
        terraform="custom_domain",
        key="domain_name",
    ),
    Knob("CUSTOM_DOMAIN_CERTIFICATE_ARN", _ARN, terraform="custom_domain", key="certificate_arn"),
    Knob(
        "EMAIL_SENDER",
        _matching(r".*[^@\s]+@[^@\s]+", "a From header such as Atrium <post@example.com>"),
        terraform="email_sender",
        key="from",
    ),
    Knob("EMAIL_SENDER_IDENTITY_ARN", _ARN, terraform="email_sender", key="identity_arn"),
    Knob(
        "HOSTED_PAGE_PREFIX",
        _matching("[a-z0-9-]+", "lower-case letters, digits and hyphens"),
        terraform="hosted_page",
        key="domain_prefix",
    ),
    Knob("HOSTED_PAGE_CALLBACK_URLS", _list_of(_URL), terraform="hosted_page", key="callback_urls"),
    Knob(
        "HOSTED_PAGE_LOGOUT_URLS",
        _list_of(_URL),
        terraform="hosted_page",
        key="logout_urls",
        extra=True,
    ),
    # Only envs/bootstrap wants it. GitHub sets it itself in every workflow.
    Knob(
        "GITHUB_REPOSITORY",
        _matching("[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", "owner/name"),
        terraform="github_repository",
    ),
    # Under these names GitHub sets them in every workflow too.
    Knob("GITHUB_REPOSITORY_OWNER_ID", _NUMBER, terraform="github_ids", key="owner"),
    Knob("GITHUB_REPOSITORY_ID", _NUMBER, terraform="github_ids", key="repository"),
)


def parsed(values: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the values of all settings, and the (name, fault) of each one missing, wrong or incomplete."""
    found: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for knob in KNOBS:
        text = values.get(knob.name, "").strip()
        if not text:
            if knob.required:
                wrong.append((knob.name, "is missing"))
            elif (
                knob.key
                and not knob.extra
                and (given := [one for one in _with(knob) if values.get(one, "").strip()])
            ):
                wrong.append((knob.name, f"is missing, and {given[0]} needs it"))
            continue
        try:
            found[knob.name] = knob.parse(text)
        except ValueError as error:
            wrong.append((knob.name, f"is {text!r}: {error}"))
    return found, wrong


def _with(knob: Knob) -> list[str]:
    """Return the other settings that form one Terraform variable together with this one."""
    return [other.name for other in KNOBS if other.terraform == knob.terraform and other != knob]


def terraform_variables(found: Mapping[str, Any]) -> dict[str, str]:
    """Return Terraform's environment variables (`TF_VAR_…`): strings as they are, the rest as JSON."""
    variables: dict[str, Any] = {}
    for knob in KNOBS:
        if not knob.terraform or knob.name not in found:
            continue
        if knob.key:
            variables.setdefault(knob.terraform, {})[knob.key] = found[knob.name]
        else:
            variables[knob.terraform] = found[knob.name]
    return {
        f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in variables.items()
    }
