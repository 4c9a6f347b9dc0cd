"""UUIDv7 (RFC 9562, section 5.7), which neither Python 3.13 nor Postgres 17 generates."""

import os
import time
from uuid import UUID

_VERSION = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_BITS = ((1 << 12) - 1) << 64 | ((1 << 62) - 1)


def uuid7() -> UUID:
    """Return a UUID with 48 bits of Unix milliseconds and 74 random bits.

    It sorts by time and cannot be guessed.
    """
    milliseconds = time.time_ns() // 1_000_000
    return UUID(
        int=milliseconds << 80 | _VERSION | _VARIANT | int.from_bytes(os.urandom(10)) & _RANDOM_BITS
    )
