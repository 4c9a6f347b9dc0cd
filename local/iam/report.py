"""`make iam-report`: which permissions the recorded calls used, which only AWS itself uses, and which nobody needs.

A permission is one action of one statement of one role. It is used when a call was allowed by that statement and its action matches.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import yaml

from local.iam import record
from local.iam.patterns import glob
from local.iam.policy import Statement, parse
from local.iam.record import Call
from local.settings import Settings
from local.stack import outputs
from local.stack.process import StackError

USED_BY_AWS = Path(__file__).with_name("used_by_aws.yaml")


@dataclass(frozen=True, order=True)
class Permission:
    role: str  # its name
    policy: str
    statement: str  # its Sid, or #<place>
    action: str  # as declared, perhaps with wildcards; "all but …" for NotAction

    def __str__(self) -> str:
        return f"{self.role}: {self.action} ({self.policy}/{self.statement})"


@dataclass(frozen=True)
class Reason:
    """A line of `used_by_aws.yaml`. `role` fits the end of a role's name, since each environment has a prefix of its own."""

    role: str
    policy: str
    permission: str
    reason: str

    def fits(self, permission: Permission) -> bool:
        return (
            fnmatchcase(permission.role, f"*{self.role}")
            and permission.policy == self.policy
            and fnmatchcase(permission.action, self.permission)
        )


@dataclass(frozen=True)
class Report:
    calls: Sequence[Call]
    used: Sequence[Permission]
    by_aws: Sequence[tuple[Permission, Reason]]
    unused: Sequence[Permission]
    needless: Sequence[Reason]  # reasons that excuse nothing

    @property
    def ok(self) -> bool:
        return not self.unused and not self.needless


def report(permissions: Iterable[Permission], calls: Sequence[Call], reasons: Sequence[Reason]) -> Report:
    used_by = {(_name(call.role), *call.statement.partition("/")[::2], call.action) for call in calls if call.allowed}
    every = sorted(permissions)
    used = [permission for permission in every if _is_used(permission, used_by)]
    rest = [permission for permission in every if permission not in used]
    by_aws = [
        (permission, found[0]) for permission in rest if (found := [each for each in reasons if each.fits(permission)])
    ]
    excused = {permission for permission, _ in by_aws}
    needless = [reason for reason in reasons if not any(reason.fits(permission) for permission in rest)]
    return Report(calls, used, by_aws, [each for each in rest if each not in excused], needless)


def _is_used(permission: Permission, used_by: Iterable[tuple[str, ...]]) -> bool:
    """NotAction is one permission: any call that the statement allowed has used it."""
    where = (permission.role, permission.policy, permission.statement)
    action = glob("*" if permission.action.startswith("all but ") else permission.action, ignore_case=True)
    return any(used[:3] == where and action.fullmatch(used[3]) for used in used_by)


def permissions(iam: Any) -> Iterator[Permission]:
    """All that the roles' own policies allow, as they are applied now. `iam` is a boto3 client."""
    for page in iam.get_paginator("list_roles").paginate():
        for role in page["Roles"]:
            for policy, document in _documents(iam, role["RoleName"]):
                for statement in parse(document, policy).statements:
                    if statement.allows:
                        yield from (
                            Permission(role["RoleName"], policy, statement.sid, each) for each in _actions(statement)
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


def _name(role_arn: str) -> str:
    return role_arn.rpartition("/")[2]


def reasons() -> list[Reason]:
    return [Reason(**each) for each in yaml.safe_load(USED_BY_AWS.read_text())]


def of_stack(settings: Settings) -> Report:
    """Of the stack that runs now.

    Raises:
        StackError: there is none.
    """
    found = outputs.read(settings)
    iam = boto3.client(
        "iam",
        endpoint_url=found.aws_endpoint_url,
        region_name=found.region,
        aws_access_key_id="operator",
        aws_secret_access_key="operator",  # noqa: S106 - the stand-in checks signatures of roles only
    )
    return report(permissions(iam), record.read(record.path(settings)), reasons())


def text(found: Report) -> str:
    denied = [call for call in found.calls if not call.allowed]
    lines = [f"{len(found.calls)} different calls: {len(found.calls) - len(denied)} allowed, {len(denied)} denied"]
    lines += [
        f"  {'allowed' if c.allowed else 'DENIED '} {_name(c.role)}: {c.action} on {c.resource}" for c in found.calls
    ]
    lines += ["", f"{len(found.used)} permissions that calls used"]
    lines += ["", f"{len(found.by_aws)} permissions that only AWS itself uses"]
    for reason in dict.fromkeys(reason for _, reason in found.by_aws):
        fitting = sorted({permission.action for permission, why in found.by_aws if why == reason})
        lines.append(f"  {', '.join(fitting)}: {reason.reason}")
    lines += ["", f"{len(found.unused)} permissions that no call used"]
    lines += [f"  ✗ {permission}" for permission in found.unused]
    if found.unused:
        lines.append(
            "  Take each out of its policy, test what needs it, or say in local/iam/used_by_aws.yaml why only AWS uses it."
        )
    lines += [
        f"✗ used_by_aws.yaml: {each.role} {each.permission} excuses nothing; take the entry out."
        for each in found.needless
    ]
    return "\n".join(lines)


def main() -> int:
    try:
        found = of_stack(Settings.from_environment())
    except StackError as error:
        sys.exit(f"make iam-report: {error}")
    print(text(found))
    return 0 if found.ok else 1


if __name__ == "__main__":
    sys.exit(main())
