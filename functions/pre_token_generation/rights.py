"""What a token says of its user's rights."""

from collections.abc import Sequence
from types import MappingProxyType
from typing import NamedTuple

from atrium.identity.namespaces import Attributes
from pre_token_generation.scopes import EVERYONE

FIRST_EPOCH = 1
"""What META starts with. When META cannot be read this is right for whoever's rights have never changed, and makes the
token stale, to be refreshed, for everyone else."""


class Rights(NamedTuple):
    """`roles` are those that hold everywhere; `until` is when the first of them ends, in epoch seconds.
    `attributes` are those that belong in a token."""

    roles: Sequence[str] = ()
    scopes: frozenset[str] = EVERYONE
    epoch: int = FIRST_EPOCH
    until: int | None = None
    attributes: Attributes = MappingProxyType({})
