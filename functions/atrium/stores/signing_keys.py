"""Keys that sign values for clients, such as cursors. The newest key signs; all verify.

`migrate` creates them in the table.
"""

import msgspec

from atrium.runtime import clock
from atrium.runtime.clock import Moment
from atrium.stores import user_table

CACHE_SECONDS = 300  # seconds for which a container may still sign with the previous key

cache: dict[str, tuple[Moment, dict[int, bytes]]] = {}
"""Values that a container keeps between requests. Tests clear it."""


class KeyMissingError(Exception):
    """The signing key is missing: the release step that creates the keys has not run."""


class Key(msgspec.Struct, frozen=True):
    version: int
    secret: bytes


def newest(purpose: str) -> Key:
    """Return the newest key. Raises KeyMissingError, user_table.TableUnavailableError."""
    read_at, keys = cache.get(purpose, (clock.NEVER, {}))
    if not keys or clock.since(read_at) >= CACHE_SECONDS:
        keys = _read(purpose)
    if not keys:
        raise KeyMissingError(
            f"There is no key for {purpose}: invoke migrate with the action make_signing_keys."
        )
    version = max(keys)
    return Key(version, keys[version])


def find(purpose: str, version: int) -> Key | None:
    """Return the key of this version, or None. Raises user_table.TableUnavailableError."""
    _, keys = cache.get(purpose, (clock.NEVER, {}))
    if version not in keys:  # The key may be newer than the cache.
        keys = _read(purpose)
    return Key(version, keys[version]) if version in keys else None


def _read(purpose: str) -> dict[int, bytes]:
    asked_at, keys = clock.now(), user_table.signing_keys(purpose)
    cache[purpose] = (asked_at, keys)
    return keys
