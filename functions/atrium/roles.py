"""Roles that hold everywhere. Only these go into a token and onto one's record: a role held on a single resource must
not grow into more, so whoever decides about that resource looks it up."""

from collections.abc import Iterable

from atrium.user_attributes import Role

EVERYWHERE = "*"
"""The `scope` of such a grant."""


def everywhere(roles: Iterable[Role]) -> list[str]:
    """Their names, each once, sorted."""
    return sorted({role.role for role in roles if role.scope == EVERYWHERE})
