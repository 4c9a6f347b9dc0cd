"""Time-based one-time passwords as authenticator apps use them.

RFC 6238 with SHA-1, six digits and 30 seconds.
"""

import hmac

STEP = 30  # seconds
# Codes of the adjacent time steps are accepted too, because clocks differ and typing takes time
# (RFC 6238, section 5.2).
DRIFT = 1


def code(secret: bytes, step: int) -> str:
    digest = hmac.digest(secret, step.to_bytes(8), "sha1")
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def step_of(secret: bytes, given: str, now: float) -> int | None:
    """Return the time step of the code near `now` (epoch seconds); None if it matches none."""
    current = int(now) // STEP
    near = range(current - DRIFT, current + DRIFT + 1)
    return next(
        (step for step in near if hmac.compare_digest(code(secret, step).encode(), given.encode())),
        None,
    )
