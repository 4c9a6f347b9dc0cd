"""`make iam-report`: the permissions that recorded calls used, and those that no call used.

A permission is one action of one statement of one role, on one partition if the statement names
partitions. A call uses it if the statement allowed the call, and its action and one of its
partition keys match.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from local_aws.iam import record
from local_aws.iam.patterns import glob
from local_aws.iam.policy import Statement, parse
from local_aws.iam.record import Call
from local_aws.iam.required_access import SERVICES
from local_aws.settings import Settings
from local_aws.supervisor.ready import StackError
from tools.deploy import stack_outputs as outputs
from tools.deploy import stack_settings
from tools.laptop.stack.aws import client

LEADING_KEYS = "dynamodb:LeadingKeys"
ALLOWLIST = Path(__file__).with_name("unused_permissions_allowlist.yaml")


@dataclass(frozen=True, order=True)
class Permission:
    role: str  # the role's name
    policy: str
    statement: str  # its Sid, or #<place>
    action: str  # as declared, perhaps with wildcards; "all but …" for NotAction
    partition: str = ""  # a pattern of `dynamodb:LeadingKeys`; empty where the statement has none

    @property
    def right(self) -> tuple[str, str, str, str]:
        return self.role, self.policy, self.statement, self.partition

    def __str__(self) -> str:
        on = f" on {self.partition}" if self.partition else ""
        return f"{self.role}: {self.action}{on} ({self.policy}/{self.statement})"


@dataclass(frozen=True)
class Unused:
    role: str  # matches the end of a role's name
    policy: str
    permission: str
    reason: str
    partition: str = "*"  # matches the partition keys; by default any

    def fits(self, permission: Permission) -> bool:
        return (
            fnmatchcase(permission.role, f"*{self.role}")
            and permission.policy == self.policy
            and fnmatchcase(permission.action, self.permission)
            and self.partition in ("*", permission.partition)
        )


@dataclass(frozen=True)
class GrantedTogether:
    """Actions that one right grants together, of which another role uses the unused ones.

    With `each_role`, every role must use an action of each of its rights.
    """

    policy: str
    reason: str
    each_role: bool = True

    def fits(self, permission: Permission, used: Sequence[Permission]) -> bool:
        return (
            permission.policy == self.policy
            and any(
                (each.policy, each.action) == (permission.policy, permission.action)
                for each in used
            )
            and (not self.each_role or any(each.right == permission.right for each in used))
        )


@dataclass(frozen=True)
class Allowlist:
    """The content of `unused_permissions_allowlist.yaml`."""

    unused: Sequence[Unused] = ()
    granted_together: Sequence[GrantedTogether] = ()

    @classmethod
    def read(cls) -> "Allowlist":
        content = yaml.safe_load(ALLOWLIST.read_text())
        return cls(
            [Unused(**each) for each in content["unused"]],
            [GrantedTogether(**each) for each in content["granted_together"]],
        )

    def reason(self, permission: Permission, used: Sequence[Permission]) -> str | None:
        """Return why `permission` is allowed to be unused, or None."""
        unused = (each.reason for each in self.unused if each.fits(permission))
        together = (each.reason for each in self.granted_together if each.fits(permission, used))
        return next(chain(unused, together), None)


@dataclass(frozen=True)
class Report:
    calls: Sequence[Call]
    used: Sequence[Permission]
    allowed: Sequence[tuple[Permission, str]]  # with the reason
    unused: Sequence[Permission]
    needless: Sequence[Unused]  # entries whose permissions calls have used

    @property
    def ok(self) -> bool:
        return not self.unused and not self.needless


def report(
    permissions: Iterable[Permission], calls: Sequence[Call], allowlist: Allowlist
) -> Report:
    used_by = {
        (_name(call.role), *call.statement.partition("/")[::2], call.action, _keys(call))
        for call in calls
        if call.allowed
    }
    every = sorted(permissions)
    used = [permission for permission in every if _is_used(permission, used_by)]
    rest = {
        permission: allowlist.reason(permission, used)
        for permission in every
        if permission not in used
    }
    return Report(
        calls,
        used,
        [(permission, reason) for permission, reason in rest.items() if reason],
        [permission for permission, reason in rest.items() if not reason],
        [
            each
            for each in allowlist.unused
            if any(map(each.fits, used)) and not any(map(each.fits, rest))
        ],
    )


def _keys(call: Call) -> tuple[str, ...]:
    keys = call.context.get(LEADING_KEYS) or ()
    return (keys,) if isinstance(keys, str) else tuple(keys)


def _is_used(
    permission: Permission, used_by: Iterable[tuple[str, str, str, str, tuple[str, ...]]]
) -> bool:
    """Return True if a call used it.

    NotAction is one permission: any call that the statement allowed has used it.
    """
    action = glob(
        "*" if permission.action.startswith("all but ") else permission.action, ignore_case=True
    )
    key = glob(permission.partition)
    return any(
        used[:3] == permission.right[:3]
        and action.fullmatch(used[3])
        and (not permission.partition or any(key.fullmatch(each) for each in used[4]))
        for used in used_by
    )


def permissions(iam: Any) -> Iterator[Permission]:
    """Yield the permissions of the roles' policies as they are applied now; `iam` is a boto3 client."""
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            for policy, document in _documents(iam, role["RoleName"]):
                for statement in parse(document, policy).statements:
                    if statement.allows:
                        yield from (
                            Permission(role["RoleName"], policy, statement.sid, action, partition)
                            for action in _actions(statement)
                            for partition in _partitions(statement)
                        )


def _documents(iam: Any, role: str) -> Iterator[tuple[str, str]]:
    for policy in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        yield policy, _text(iam.get_role_policy(RoleName=role, PolicyName=policy)["PolicyDocument"])
    for attached in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
        yield attached["PolicyName"], _text(found["PolicyVersion"]["Document"])


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _actions(statement: Statement) -> Iterable[str]:
    return statement.action or [f"all but {', '.join(statement.not_action or ())}"]


def _partitions(statement: Statement) -> Iterable[str]:
    conditions = (each for each in statement.conditions if each.key.lower() == LEADING_KEYS.lower())
    patterns = [
        value for each in conditions if not each.operator.endswith("Null") for value in each.values
    ]
    return patterns or [""]


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def of_stack(settings: Settings) -> Report:
    """Return the report of the running stack.

    Raises:
        StackError: No stack is running.
    """
    found = outputs.read(settings)
    iam = client("iam", settings, found.region)
    return report(permissions(iam), record.read(record.path(settings)), Allowlist.read())


def text(found: Report) -> str:
    denied = [call for call in found.calls if not call.allowed]
    lines = [
        f"{len(found.calls)} different calls: {len(found.calls) - len(denied)} allowed, {len(denied)} denied"
    ]
    lines += [
        f"  {'allowed' if c.allowed else 'DENIED '} {_name(c.role)}: {c.action} on {c.resource}"
        for c in found.calls
    ]
    lines += ["", *_differences(found.calls)]
    lines += ["", f"{len(found.used)} permissions that calls used"]
    lines += [
        "",
        f"{len(found.allowed)} permissions that no call used, with a reason (tools/laptop/unused_permissions_allowlist.yaml)",
    ]
    for reason in dict.fromkeys(reason for _, reason in found.allowed):
        fitting = sorted(
            {
                f"{each.action} {each.partition}".rstrip()
                for each, why in found.allowed
                if why == reason
            }
        )
        lines.append(f"  {', '.join(fitting)}: {reason}")
    lines += ["", f"{len(found.unused)} permissions that no call used"]
    lines += [f"  ✗ {permission}" for permission in found.unused]
    if found.unused:
        lines.append(
            "  Remove each from its policy, test the code that needs it, or give a reason in tools/laptop/unused_permissions_allowlist.yaml."
        )
    lines += [
        f"✗ unused_permissions_allowlist.yaml: {each.role} {each.permission} is used by calls. Remove the entry."
        for each in found.needless
    ]
    return "\n".join(lines)


def _differences(calls: Sequence[Call]) -> list[str]:
    """Name the calls that AWS may decide differently, because their resource is not known."""
    lines = [
        f"  ≠ {_name(call.role)}: {call.action}: decided on *; AWS may ask about a resource"
        for call in calls
        if call.resource == "*" and call.action.partition(":")[0] not in (*SERVICES, "xray")
    ]
    return [f"{len(lines)} calls that AWS may decide differently", *lines]


def main() -> int:
    try:
        found = of_stack(stack_settings.from_environment())
    except StackError as error:
        sys.exit(f"make iam-report: {error}")
    print(text(found))
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
