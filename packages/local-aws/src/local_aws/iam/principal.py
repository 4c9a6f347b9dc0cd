"""The principal of a request, and the Principal element of resource-based policies.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

_ACCOUNT = re.compile(r"(?:arn:[^:]+:iam::)?(\d{12})(?::root)?")
KINDS = ("AWS", "Service", "Federated", "CanonicalUser")


class Match(IntEnum):
    """The precision with which a statement names the caller.

    A resource-based policy that names an account only delegates to that account's IAM policies.
    One that names a role still obeys the role's boundary and session policy.
    """

    NONE = 0
    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3  # a session, a user or a service


@dataclass(frozen=True)
class Caller:
    """The principal of a request: a role session, a user, or an AWS service."""

    account: str = ""
    arn: str = ""  # of the session or user
    role_arn: str = ""
    service: str = ""  # such as "lambda.amazonaws.com"; other services have no account


@dataclass(frozen=True)
class Principals:
    """The Principal or NotPrincipal element of a statement."""

    everyone: bool = False
    named: tuple[tuple[str, str], ...] = ()  # (kind, value)
    excluded: bool = False  # True for NotPrincipal

    def match(self, caller: Caller) -> Match:
        matches = [self._match(kind, value, caller) for kind, value in self.named]
        if self.everyone:
            matches.append(Match.DIRECT if caller.service else Match.ROLE)
        found = max(matches, default=Match.NONE)
        if self.excluded:
            return Match.NONE if found else Match.ROLE
        return found

    def _match(self, kind: str, value: str, caller: Caller) -> Match:
        if caller.service:
            return Match.DIRECT if (kind, value) == ("Service", caller.service) else Match.NONE
        if kind != "AWS":
            return Match.NONE
        if value == caller.arn:
            return Match.DIRECT
        if value == caller.role_arn:
            return Match.ROLE
        account = _ACCOUNT.fullmatch(value)
        return Match.ACCOUNT if account and account[1] == caller.account else Match.NONE


def parse_principals(content: Any, *, excluded: bool = False) -> Principals:
    """Parse the element.

    Raises:
        ValueError: the element is no principal.
    """
    if content == "*":
        return Principals(everyone=True, excluded=excluded)
    if not isinstance(content, Mapping) or not content or not content.keys() <= set(KINDS):
        raise ValueError(f"Principal is {content!r}, not * or an object with {', '.join(KINDS)}")
    named = [
        (kind, value)
        for kind, values in content.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if not all(isinstance(value, str) and value for _, value in named):
        raise ValueError(f"Principal is {content!r}: each value must be a string")
    everyone = ("AWS", "*") in named
    return Principals(everyone, tuple(each for each in named if each != ("AWS", "*")), excluded)
