"""Comparison of IAM policies: the rights that a planned change adds.

A right is a pair of action and resource that a statement allows. A change widens a policy if it
allows a pair that was not allowed, drops a condition, or drops a Deny.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from tools.deploy.terraform.planned import ResourceChange

ATTRIBUTES = {
    "aws_iam_policy": "policy",
    "aws_iam_role": "assume_role_policy",
    "aws_iam_role_policy": "policy",
    "aws_kms_key": "policy",
    "aws_s3_bucket_policy": "policy",
    "aws_sns_topic_policy": "policy",
    "aws_sqs_queue": "policy",
}
ATTACHMENTS = ("aws_iam_role_policy_attachment", "aws_iam_user_policy_attachment")
WHY = "Code that runs with it can do more than before. Check each right against what the change needs."


Condition = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Right:
    """A permitted action on a resource, for a principal, under a condition (as JSON)."""

    action: str
    resource: str
    principal: str
    condition: str

    def covers(self, other: "Right") -> bool:
        return (
            fnmatchcase(other.action.lower(), self.action.lower())
            and fnmatchcase(other.resource, self.resource)
            and self.principal in ("*", other.principal)
            and _is_narrower(json.loads(other.condition), json.loads(self.condition))
        )


def of(change: ResourceChange) -> Iterator[tuple[str, str]]:
    """Yield the rights that the change adds, and why they need an acknowledgement."""
    if change.kind in ATTACHMENTS and change.action != "delete":
        yield f"would attach {change.after.get('policy_arn', 'a policy')}", WHY
    attribute = ATTRIBUTES.get(change.kind)
    if not attribute or change.action not in ("create", "update", "replace"):
        return
    before, after = change.before.get(attribute), change.after.get(attribute)
    if change.unknown.get(attribute) is True:
        if before:
            yield (
                f"has a {attribute} that is known only after the apply",
                "It cannot be checked now.",
            )
        return
    if change.action == "create":
        of_roles = change.kind.startswith("aws_iam_")  # a key's own policy allows kms:* on itself
        added = [one for one in rights(after, "Allow") if of_roles and _is_sweeping(one)]
    else:
        known = rights(before, "Allow")
        added = [one for one in rights(after, "Allow") if not any(old.covers(one) for old in known)]
    if added:
        yield f"would allow {described(added)}", WHY
    denied = rights(after, "Deny")
    gone = [one for one in rights(before, "Deny") if not any(new.covers(one) for new in denied)]
    if gone and change.action != "create":
        yield f"would no longer deny {described(gone)}", WHY


def described(rights: list[Right]) -> str:
    """Return the rights in words: the actions of each resource and condition together."""
    together: dict[tuple[str, str], list[str]] = {}
    for right in rights:
        together.setdefault((right.resource, right.condition), []).append(right.action)
    return "; ".join(
        ", ".join(dict.fromkeys(actions))
        + (f" on {resource}" if resource else "")
        + (f" if {condition}" if condition != "{}" else "")
        for (resource, condition), actions in together.items()
    )


def _is_narrower(new: Condition, old: Condition) -> bool:
    """Return True if `new` admits no request that `old` refuses.

    These changes narrow: an additional condition, fewer values, or more values of a negated
    operator.
    """
    for operator, wanted in old.items():
        for key, values in wanted.items():
            if key not in new.get(operator, {}):
                return False
            before, after = set(map(str, _list(values))), set(map(str, _list(new[operator][key])))
            if not (after >= before if "Not" in operator else after <= before):
                return False
    return True


def _is_sweeping(right: Right) -> bool:
    """Return True for a right that a reviewer must acknowledge in a new role."""
    service, _, action = right.action.partition(":")
    return right.action == "*" or (action == "*" and right.resource == "*") or service == "iam"


def rights(policy: str | None, effect: str) -> list[Right]:
    """Return the rights of a policy's statements with this effect.

    `NotAction`, `NotResource` and `NotPrincipal` are kept as text, so any change of them is new.
    """
    if not policy:
        return []
    found = []
    for statement in _list(json.loads(policy).get("Statement", [])):
        if statement.get("Effect") != effect:
            continue
        condition = json.dumps(statement.get("Condition", {}), sort_keys=True)
        for action in _named(statement, "Action"):
            for resource in _named(statement, "Resource") or [""]:
                for principal in _named(statement, "Principal") or [""]:
                    found.append(Right(action, resource, principal, condition))
    return found


def _named(statement: dict[str, Any], name: str) -> list[str]:
    if f"Not{name}" in statement:
        return [f"all but {json.dumps(statement[f'Not{name}'], sort_keys=True)}"]
    return [
        one if isinstance(one, str) else json.dumps(one, sort_keys=True)
        for one in _list(statement.get(name, []))
    ]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
