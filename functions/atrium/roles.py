"""Roles that hold everywhere. Only these go into a token and onto one's record: a role held on a single resource must
not grow into more, so whoever decides about that resource looks it up."""

from collections.abc import Iterable

from atrium.user_attributes import Role

EVERYWHERE = "*"
"""The `scope` of such a grant."""


def everywhere(roles: Iterable[Role]) -> list[str]:
    """Their names, each once, sorted."""
    return sorted({role.role for role in roles if role.scope == EVERYWHERE})


def until(roles: Iterable[Role]) -> int | None:
    """When the first grant among those that hold everywhere ends, in epoch seconds; None when none does."""
    ends = (role.expires_at for role in roles if role.scope == EVERYWHERE and role.expires_at is not None)
    return min(ends, default=None)
