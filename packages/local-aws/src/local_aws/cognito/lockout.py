"""Lockout: a user is locked out after five wrong passwords or codes.

Each further failure doubles the lockout. Unknown names are locked out too, so that a lockout does
not reveal which names exist.

https://docs.aws.amazon.com/cognito/latest/developerguide/authentication.html#authentication-flow-lockout-behavior
"""

from local_aws.cognito import pools
from local_aws.cognito.errors import not_authorized
from local_aws.cognito.pools import Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import Failures

FREE = 5  # failures before the first lockout
LONGEST = 900  # seconds
FORGOTTEN = 900  # seconds without an attempt


def require_open(service: Service, pool: Pool, who: User | str) -> None:
    """Raise NotAuthorizedException while `who` is locked out.

    `who` is the name if there is no such user.
    """
    failures = service.state.failures.get(_key(pool, who))
    now = service.clock()
    if failures is None or failures.locked_until <= now:
        return
    failures.last_at = now
    raise not_authorized("Password attempts exceeded")


def count(service: Service, pool: Pool, who: User | str) -> None:
    """Count one more failure."""
    now = service.clock()
    known = {
        key: failures
        for key, failures in service.state.failures.items()
        if failures.last_at + FORGOTTEN > now
    }
    earlier = known.get(_key(pool, who))
    number = earlier.count + 1 if earlier else 1
    lockout = min(2 ** (number - FREE), LONGEST) if number >= FREE else 0
    known[_key(pool, who)] = Failures(number, now + lockout, now)
    service.state.failures = known


def forget(service: Service, pool: Pool, user: User) -> None:
    """Reset the failures after a sign-in."""
    service.state.failures.pop(_key(pool, user), None)


def _key(pool: Pool, who: User | str) -> tuple[str, str]:
    return pool.id, pools.fold(pool, who) if isinstance(who, str) else who.id
