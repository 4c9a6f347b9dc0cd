"""The rights of a user that a token contains."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from atrium.identity.namespaces import Attributes
from pre_token_generation.scopes import EVERYONE

FIRST_EPOCH = 1
"""The first epoch of META, used if META cannot be read.

It is correct for users whose rights have never changed. For all others the token is stale and must
be refreshed.
"""


class Rights(NamedTuple):
    """The rights in a token. `roles` hold everywhere; `until` is their first end in epoch seconds.

    `generations` has the roles' generations that are not 0. `is_administrator` means that the role
    `admin` never expires.
    `locks_mfa` means that the token must not change the second factor at the user pool;
    `needs_mfa` means that a role is omitted because the user has no MFA (atrium/identity/mfa.py).
    """

    roles: Sequence[str] = ()
    scopes: frozenset[str] = EVERYONE
    epoch: int = FIRST_EPOCH
    until: int | None = None
    attributes: Attributes = MappingProxyType({})
    generations: Mapping[str, int] = MappingProxyType({})
    is_administrator: bool = False
    locks_mfa: bool = False
    needs_mfa: bool = False
