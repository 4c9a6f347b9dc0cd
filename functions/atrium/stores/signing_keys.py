"""Keys that sign what we hand out and get back. `migrate` makes them in the table: the newest signs, all verify."""

import msgspec

from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_attributes

CACHE_SECONDS = 300  # for so long may a container go on to sign with the key before the newest

_cache: dict[str, tuple[Moment, dict[int, bytes]]] = {}


class KeyMissingError(Exception):
    """Nothing can be signed: the release step that makes the keys has not run."""


class Key(msgspec.Struct, frozen=True):
    version: int
    secret: bytes


def newest(purpose: str) -> Key:
    """Raises KeyMissingError, user_attributes.Unavailable."""
    read_at, keys = _cache.get(purpose, (clock.NEVER, {}))
    if not keys or clock.since(read_at) >= CACHE_SECONDS:
        keys = _read(purpose)
    if not keys:
        raise KeyMissingError(
            f"There is no key for {purpose}: invoke migrate with the action make_signing_keys."
        )
    version = max(keys)
    return Key(version, keys[version])


def find(purpose: str, version: int) -> Key | None:
    """The key of this version, None when there is none. Raises user_attributes.Unavailable."""
    _, keys = _cache.get(purpose, (clock.NEVER, {}))
    if version not in keys:  # made after the last look, perhaps
        keys = _read(purpose)
    return Key(version, keys[version]) if version in keys else None


def _read(purpose: str) -> dict[int, bytes]:
    asked_at, keys = clock.now(), user_attributes.signing_keys(purpose)
    _cache[purpose] = (asked_at, keys)
    return keys
