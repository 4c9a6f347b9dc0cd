"""Which scopes of the resource server `atrium` a token gets, by the roles of its user."""

from collections.abc import Iterable

PREFIX = "atrium/"

EVERYONE = frozenset({"atrium/me"})
BY_ROLE = {
    "admin": frozenset({"atrium/users.read", "atrium/users.write", "atrium/access.read", "atrium/access.write"}),
}


def scopes_of(roles: Iterable[str]) -> frozenset[str]:
    """A role that is not named here adds none: what it may do is for the services to decide."""
    return EVERYONE.union(*(BY_ROLE.get(role, frozenset()) for role in roles))
