"""A user's groups, in Cognito's order and form for triggers and tokens."""

from dataclasses import dataclass
from typing import Any

from local_aws.cognito.pools import User


@dataclass(frozen=True)
class Groups:
    names: list[str]
    roles: list[str]
    preferred_role: str | None

    def configuration(self) -> dict[str, Any]:
        return {
            "groupsToOverride": self.names,
            "iamRolesToOverride": self.roles,
            "preferredRole": self.preferred_role,
        }


def of_user(user: User) -> Groups:
    """Return the user's groups by precedence, lowest number first.

    Groups without a precedence come last.
    """

    def rank(group: Any) -> tuple[bool, int, str]:
        return group.precedence is None, group.precedence or 0, group.group_name

    ordered = sorted(user.groups, key=rank)
    with_role = [group for group in ordered if group.role_arn]
    return Groups(
        [group.group_name for group in ordered],
        [group.role_arn for group in with_role],
        _preferred(with_role),
    )


def _preferred(with_role: list[Any]) -> str | None:
    """Return the role of the best precedence; none if two groups with it name different roles."""
    if not with_role or with_role[0].precedence is None:
        return None
    best = {group.role_arn for group in with_role if group.precedence == with_role[0].precedence}
    return str(best.pop()) if len(best) == 1 else None
