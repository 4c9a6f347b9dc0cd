"""Policy documents, parsed once.

Parts that cannot be parsed are kept and reported, so that they fail closed.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from local_aws.iam.conditions import Condition
from local_aws.iam.principal import Principals, parse_principals

_STATEMENT_KEYS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
_ATTACHED_KEYS = _STATEMENT_KEYS | {"Principal", "NotPrincipal"}
_RESOURCE = re.compile(r"arn:[^:]+:[a-z0-9-]+:")
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+")


@dataclass(frozen=True)
class Statement:
    """A policy statement.

    Unless it is malformed, exactly one of action and not_action is set, and exactly one of resource
    and not_resource. A resource-based policy without a Resource is about the one that it is
    attached to.
    """

    sid: str
    allows: bool  # also False if the effect cannot be read
    action: tuple[str, ...] | None = None
    not_action: tuple[str, ...] | None = None
    resource: tuple[str, ...] | None = None
    not_resource: tuple[str, ...] | None = None
    conditions: tuple[Condition, ...] = ()
    principals: Principals | None = None  # only in resource-based policies
    malformed: str | None = None


@dataclass(frozen=True)
class Policy:
    statements: tuple[Statement, ...]
    name: str = ""
    # ${…} is a variable only in version 2012-10-17; in 2008-10-17 it is plain text
    variables: bool = True


@lru_cache(maxsize=1024)
def parse(document: str, name: str = "", *, attached: bool = False) -> Policy:
    """Parse a policy document; `attached` stands for a resource-based policy.

    A document that is no policy becomes one that denies everything and gives the reason.
    """
    try:
        content = json.loads(document)
    except ValueError as error:
        return _unreadable(name, f"is not JSON: {error}")
    if not isinstance(content, dict) or "Statement" not in content:
        return _unreadable(name, "has no Statement")
    version = content.get("Version", "2008-10-17")
    if version not in ("2012-10-17", "2008-10-17"):
        return _unreadable(name, f"has the unknown Version {version!r}")
    statements = (
        content["Statement"] if isinstance(content["Statement"], list) else [content["Statement"]]
    )
    return Policy(
        tuple(_statement(each, n, attached) for n, each in enumerate(statements)),
        name,
        version == "2012-10-17",
    )


def _unreadable(name: str, problem: str) -> Policy:
    return Policy((Statement(sid="", allows=False, malformed=f"the document {problem}"),), name)


def _statement(content: Any, number: int, attached: bool) -> Statement:
    if not isinstance(content, dict):
        return Statement(f"#{number}", allows=False, malformed="it is not an object")
    sid, effect = str(content.get("Sid") or f"#{number}"), content.get("Effect")
    allows = effect == "Allow"
    if effect not in ("Allow", "Deny"):
        return Statement(sid, allows=False, malformed=f"Effect is {effect!r}, not Allow or Deny")
    try:
        action, not_action = _either(content, "Action", "NotAction")
        _check_actions(action or not_action or ())
        resource, not_resource = _resources(content, attached)
        if unknown := content.keys() - (_ATTACHED_KEYS if attached else _STATEMENT_KEYS):
            kind = "resource-based" if attached else "identity"
            raise ValueError(f"this {kind} policy must not contain {', '.join(sorted(unknown))}")
        principals = _principals(content) if attached else None
        conditions = _conditions(content.get("Condition", {}))
    except ValueError as error:
        return Statement(sid, allows, malformed=str(error))
    return Statement(
        sid, allows, action, not_action, resource, not_resource, conditions, principals
    )


def _resources(content: Mapping[str, Any], attached: bool) -> tuple[tuple[str, ...] | None, ...]:
    if attached and not {"Resource", "NotResource"} & content.keys():
        return ("*",), None
    resource, not_resource = _either(content, "Resource", "NotResource")
    _check_resources(resource or not_resource or ())
    return resource, not_resource


def _principals(content: Mapping[str, Any]) -> Principals:
    if ("Principal" in content) == ("NotPrincipal" in content):
        raise ValueError("it needs exactly one of Principal and NotPrincipal")
    excluded = "NotPrincipal" in content
    return parse_principals(content["NotPrincipal" if excluded else "Principal"], excluded=excluded)


def _either(
    content: Mapping[str, Any], name: str, opposite: str
) -> tuple[tuple[str, ...] | None, ...]:
    if (name in content) == (opposite in content):
        raise ValueError(f"it needs exactly one of {name} and {opposite}")
    return tuple(
        _texts(content[each], each) if each in content else None for each in (name, opposite)
    )


def _check_actions(patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        if pattern != "*" and not _ACTION.fullmatch(pattern):
            raise ValueError(f"{pattern!r} is not service:Action without a wildcard in the service")


def _check_resources(patterns: tuple[str, ...]) -> None:
    """Reject wildcards in the service segment.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
    """
    for pattern in patterns:
        if pattern != "*" and not _RESOURCE.match(pattern):
            raise ValueError(
                f"{pattern!r} is neither * nor an ARN without a wildcard in its service"
            )


def _texts(content: Any, name: str) -> tuple[str, ...]:
    values = content if isinstance(content, list) else [content]
    if not values or not all(isinstance(value, str) and value for value in values):
        raise ValueError(f"{name} is {content!r}, not a string or a list of strings")
    return tuple(values)


def _conditions(content: Any) -> tuple[Condition, ...]:
    if not isinstance(content, dict) or not all(
        isinstance(keys, dict) for keys in content.values()
    ):
        raise ValueError("Condition is not {operator: {key: values}}")
    return tuple(
        Condition(operator, key, _scalars(values, f"{operator} {key}"))
        for operator, keys in content.items()
        for key, values in keys.items()
    )


def _scalars(content: Any, name: str) -> tuple[str, ...]:
    values = content if isinstance(content, list) else [content]
    if not all(isinstance(value, str | int | float) for value in values):
        raise ValueError(f"Condition {name} is {content!r}, not a value or a list of values")
    return tuple(str(value).lower() if isinstance(value, bool) else str(value) for value in values)
