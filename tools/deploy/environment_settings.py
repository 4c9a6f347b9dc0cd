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
WIDEST = {4: 16, 6: 32}  # the shortest prefixes that modules/bastion accepts


@dataclass(frozen=True)
class Setting:
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

SETTINGS = (
    Setting(
        "PROJECT_NAME",
        _matching("[a-z][a-z0-9]*", "lower-case letters and digits"),
        True,
        "project",
    ),
    Setting("STAGE", _matching("[a-z][a-z0-9]*", "a folder of envs/, such as dev")),
    Setting("AWS_PROFILE", _matching(r"\S+", "a profile of ~/.aws/config")),
    Setting(
        "AWS_REGION",
        _matching(r"[a-z]{2}(-[a-z]+)+-\d", "a region such as eu-central-1"),
        True,
        "region",
    ),
    Setting("AWS_ACCOUNT_ID", _ACCOUNT, True, "account_id"),
    Setting(
        "STATE_BUCKET",
        _matching(
            "[a-z0-9][a-z0-9-]{1,61}[a-z0-9]",
            "3 to 63 lower-case letters, digits and inner hyphens",
        ),
        True,
        "state_bucket",
    ),
    Setting("ALLOWED_CIDRS", _list_of(_cidr), terraform="allowed_cidrs"),
    Setting(
        "ALARM_EMAILS",
        _list_of(_matching(r"[^@\s]+@[^@\s]+", "e-mail addresses separated by commas")),
        terraform="alarm_emails",
    ),
    Setting(
        "CUSTOM_DOMAIN",
        _matching(r"([a-z0-9-]+\.)+[a-z]{2,}", "a host name such as api.example.com"),
        terraform="custom_domain",
        key="domain_name",
    ),
    Setting(
        "CUSTOM_DOMAIN_CERTIFICATE_ARN", _ARN, terraform="custom_domain", key="certificate_arn"
    ),
    Setting(
        "DOCS_URL",
        _matching(r"https?://[^\s?#]*[^\s?#/]", "an address without a slash at its end"),
        terraform="docs_url",
    ),
    Setting(
        "EMAIL_SENDER",
        _matching(r".*[^@\s]+@[^@\s]+", "a From header such as Atrium <post@example.com>"),
        terraform="email_sender",
        key="from",
    ),
    Setting("EMAIL_SENDER_IDENTITY_ARN", _ARN, terraform="email_sender", key="identity_arn"),
    Setting(
        "HOSTED_PAGE_PREFIX",
        _matching("[a-z0-9-]+", "lower-case letters, digits and hyphens"),
        terraform="hosted_page",
        key="domain_prefix",
    ),
    Setting(
        "HOSTED_PAGE_CALLBACK_URLS", _list_of(_URL), terraform="hosted_page", key="callback_urls"
    ),
    Setting(
        "HOSTED_PAGE_LOGOUT_URLS",
        _list_of(_URL),
        terraform="hosted_page",
        key="logout_urls",
        extra=True,
    ),
    # Only envs/bootstrap uses it. GitHub sets it in every workflow.
    Setting(
        "GITHUB_REPOSITORY",
        _matching("[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+", "owner/name"),
        terraform="github_repository",
    ),
    # GitHub also sets these variables in every workflow.
    Setting("GITHUB_REPOSITORY_OWNER_ID", _NUMBER, terraform="github_ids", key="owner"),
    Setting("GITHUB_REPOSITORY_ID", _NUMBER, terraform="github_ids", key="repository"),
)


def parsed(values: Mapping[str, str]) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """Return the values of all settings, and (name, fault) of each invalid one."""
    found: dict[str, Any] = {}
    wrong: list[tuple[str, str]] = []
    for setting in SETTINGS:
        text = values.get(setting.name, "").strip()
        if not text:
            if setting.required:
                wrong.append((setting.name, "is missing"))
            elif (
                setting.key
                and not setting.extra
                and (given := [one for one in _with(setting) if values.get(one, "").strip()])
            ):
                wrong.append((setting.name, f"is missing, and {given[0]} needs it"))
            continue
        try:
            found[setting.name] = setting.parse(text)
        except ValueError as error:
            wrong.append((setting.name, f"is {text!r}: {error}"))
    return found, wrong


def _with(setting: Setting) -> list[str]:
    """Return the other settings that form one Terraform variable together with this one."""
    return [
        other.name
        for other in SETTINGS
        if other.terraform == setting.terraform and other != setting
    ]


def terraform_variables(found: Mapping[str, Any]) -> dict[str, str]:
    """Return Terraform's environment variables (`TF_VAR_…`): strings as they are, the rest as JSON."""
    variables: dict[str, Any] = {}
    for setting in SETTINGS:
        if not setting.terraform or setting.name not in found:
            continue
        if setting.key:
            variables.setdefault(setting.terraform, {})[setting.key] = found[setting.name]
        else:
            variables[setting.terraform] = found[setting.name]
    return {
        f"TF_VAR_{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in variables.items()
    }
