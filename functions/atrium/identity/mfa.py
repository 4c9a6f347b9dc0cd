"""Roles that take effect only for users with multi-factor authentication (MFA).

The setting `MFA_ROLES` names them, separated by spaces. A user has MFA if META says so: `mfa` is
written when the user pool has begun to ask for the second factor at every sign-in, together with
the end of all earlier sessions. For everybody else, services included, a named role is withheld:
it gives nothing, whether it is granted or another role builds on it. docs/authorization.md
explains the rule.
"""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from atrium.runtime import config

if TYPE_CHECKING:
    from atrium.identity.grant_items import Grant
    from atrium.stores.user_table import RoleDefinition

Names = frozenset[str]
NOTHING: Names = frozenset()


class Holder(NamedTuple):
    """A user outside of a request, with the roles that give them nothing."""

    uid: str
    withheld: Names


def withheld(*, has_mfa: bool) -> Names:
    """Return the roles that give a user nothing."""
    return NOTHING if has_mfa else frozenset(config.optional("MFA_ROLES").split())


def in_effect(grants: Iterable["Grant"], without: Names) -> list["Grant"]:
    """Return the grants whose role is not withheld."""
    return [grant for grant in grants if grant.role not in without]


def defining(
    define: Callable[[str], "RoleDefinition"], without: Names
) -> Callable[[str], "RoleDefinition"]:
    """Return `define` with empty definitions for the roles that are withheld."""
    if not without:
        return define

    def definition(role: str) -> "RoleDefinition":
        found = define(role)
        if role not in without:
            return found
        return msgspec.structs.replace(found, permissions=NOTHING, parents=NOTHING, conditional={})

    return definition
