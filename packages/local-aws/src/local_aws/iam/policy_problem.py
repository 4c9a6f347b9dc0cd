"""The first mistake in a policy document that AWS would reject.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from moto.iam.models import iam_backends

from local_aws.iam.conditions import OPERATORS
from local_aws.iam.principal import KINDS
from local_aws.settings import ACCOUNT_ID

_ELEMENTS = {"Sid", "Effect", "Action", "NotAction", "Condition"}
_SERVICE = re.compile(r"[a-z0-9][a-z0-9.-]*\.(amazonaws\.com(\.cn)?|amazon\.com|aws\.internal)")
_ACCOUNT = re.compile(r"\d{12}")
_ARN = re.compile(r"arn:aws[a-z-]*:(iam|sts)::(\d{12}):(root|[a-z-]+/[^*?]+)")
_UNIQUE_ID = re.compile(r"(AIDA|AROA)[A-Z0-9]{17,}")
_ASSUMES = re.compile(r"sts:(AssumeRole\w*|TagSession|SetSourceIdentity|SetContext|\*)")


class Kind(Enum):
    """The kind of a policy: the prefix of its actions, where they have one."""

    IDENTITY = "iam"
    TRUST = "sts"
    KEY = "kms"
    BUCKET = "s3"
    SECRET = "secretsmanager"  # noqa: S105 - a service
    TOPIC = "sns"
    QUEUE = "sqs"


_NEEDS_RESOURCE = dict.fromkeys((Kind.KEY, Kind.BUCKET, Kind.SECRET), ("Resource",))


@dataclass(frozen=True)
class Problem:
    what: str  # json, version, syntax, missing, prohibited, action, principal or lockout
    detail: str = ""


def problem_of(document: str, kind: Kind) -> Problem | None:
    """Return the first problem of the document.

    Of an identity policy only a principal is reported, because moto checks the rest.
    """
    try:
        content = json.loads(document)
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return None if kind is Kind.IDENTITY else Problem("json")
    statements = _listed(content.get("Statement", []))
    if kind is Kind.IDENTITY:
        named = any(
            isinstance(each, dict) and {"Principal", "NotPrincipal"} & each.keys()
            for each in statements
        )
        return Problem("prohibited", "Principal") if named else None
    return next(_problems(content, statements, kind), None)


def _problems(content: Mapping[str, Any], statements: list[Any], kind: Kind) -> Iterator[Problem]:
    if content.get("Version", "2008-10-17") not in ("2008-10-17", "2012-10-17"):
        yield Problem("version")
    if "Statement" not in content:
        yield Problem("missing", "Statement")
    if not statements or content.keys() - {"Version", "Id", "Statement"}:
        yield Problem("syntax")
    for statement in statements:
        if not isinstance(statement, dict):
            yield Problem("syntax")
            continue
        yield from _of_statement(statement, kind)
    if kind is Kind.KEY and not any(_may_change_the_policy(each) for each in statements):
        yield Problem("lockout")


def _of_statement(statement: Mapping[str, Any], kind: Kind) -> Iterator[Problem]:
    if kind is Kind.TRUST and (found := {"Resource", "NotResource"} & statement.keys()):
        yield Problem("prohibited", found.pop())
    known = _ELEMENTS | {"Resource", "NotResource", "Principal", "NotPrincipal"}
    if statement.keys() - known:
        yield Problem("syntax")
    for name in ("Effect", "Principal", "Action", *_NEEDS_RESOURCE.get(kind, ())):
        if name not in statement and f"Not{name}" not in statement:
            yield Problem("missing", name)
    if statement.get("Effect") not in ("Allow", "Deny"):
        yield Problem("syntax")
    yield from _of_actions(statement, kind)
    yield from _of_principal(statement.get("Principal", statement.get("NotPrincipal")))
    yield from _of_conditions(statement.get("Condition", {}))


def _of_actions(statement: Mapping[str, Any], kind: Kind) -> Iterator[Problem]:
    for action in _listed(statement.get("Action", statement.get("NotAction", []))):
        if not isinstance(action, str):
            yield Problem("syntax")
        elif kind is Kind.TRUST:
            if not _ASSUMES.fullmatch(action):
                yield Problem("action", action)
        elif action != "*" and not re.fullmatch(f"{kind.value}:[A-Za-z*?]+", action, re.IGNORECASE):
            yield Problem("action", action)


def _of_principal(principal: Any) -> Iterator[Problem]:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or principal.keys() - set(KINDS):
        yield Problem("syntax")
        return
    for kind, values in principal.items():
        for value in _listed(values):
            if not isinstance(value, str):
                yield Problem("syntax")
            elif not _exists(kind, value):
                yield Problem("principal", f'"{kind.upper()}":"{value}"')


def _exists(kind: str, value: str) -> bool:
    """Return whether AWS accepts a principal. AWS checks that users and roles exist."""
    if kind == "Service":
        return _SERVICE.fullmatch(value) is not None
    if kind != "AWS" or value == "*" or _ACCOUNT.fullmatch(value) or _UNIQUE_ID.fullmatch(value):
        return True
    found = _ARN.fullmatch(value)
    if found is None:
        return False
    if found[1] == "sts" or found[2] != ACCOUNT_ID or found[3] == "root":
        return True
    backend: Any = iam_backends[ACCOUNT_ID]["aws"]
    return any(each.arn == value for each in (*backend.roles.values(), *backend.users.values()))


def _of_conditions(conditions: Any) -> Iterator[Problem]:
    if not isinstance(conditions, dict):
        yield Problem("syntax")
        return
    for operator, keys in conditions.items():
        name = operator.rpartition(":")[2].removesuffix("IfExists")
        if not isinstance(keys, dict) or (name not in OPERATORS and name != "Null"):
            yield Problem("syntax")


def _may_change_the_policy(statement: Any) -> bool:
    if not isinstance(statement, dict) or statement.get("Effect") != "Allow":
        return False
    actions = [str(each).lower() for each in _listed(statement.get("Action", []))]
    return any(each in ("*", "kms:*", "kms:put*", "kms:putkeypolicy") for each in actions)


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
