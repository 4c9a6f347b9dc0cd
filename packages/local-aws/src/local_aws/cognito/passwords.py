"""The password policy and the stored form of passwords.

Like Cognito, this module stores a salt and an SRP verifier (RFC 5054, RFC 3526's 3072-bit group),
never the password. moto's model has one field for it, so both are joined in one string.
"""

import hashlib
import hmac
import secrets
import string
from collections.abc import Iterator
from typing import Any

from local_aws.cognito.errors import CognitoError
from local_aws.cognito.pools import Pool, User, UserStatus
from local_aws.cognito.service import Service

# fmt: off
N = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B"
    "302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE6"
    "49286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB9ED529077096966D"
    "670C354E4ABC9804F1746C08CA18217C32905E462E36CE3BE39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718"
    "3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7D"
    "B3970F85A6E1E4C7ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864D87602733EC86A64521F2B18177B200C"
    "BBE117577A615D6C770988C0BAD946E208E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF",
    16,
)
# fmt: on
G = 2
SYMBOLS = "^$*.[]{}()?-\"!@#%&/\\,><':;|_~`+= "
TEMPORARY_LENGTH = 12


def check_policy(pool: Pool, password: str) -> None:
    """Raise InvalidPasswordException with Cognito's message for the first broken rule."""
    for broken in _broken_rules(_policy(pool), password):
        raise CognitoError(
            "InvalidPasswordException", f"Password did not conform with policy: {broken}"
        )


def _policy(pool: Pool) -> dict[str, Any]:
    return (pool.extended_config.get("Policies") or {}).get("PasswordPolicy") or {}


def _broken_rules(policy: dict[str, Any], password: str) -> Iterator[str]:
    if len(password) < int(policy.get("MinimumLength") or 8):
        yield "Password not long enough"
    if len(password) > 256:
        yield "Password too long"
    if policy.get("RequireUppercase") and not any(c in string.ascii_uppercase for c in password):
        yield "Password must have uppercase characters"
    if policy.get("RequireLowercase") and not any(c in string.ascii_lowercase for c in password):
        yield "Password must have lowercase characters"
    if policy.get("RequireNumbers") and not any(c in string.digits for c in password):
        yield "Password must have numeric characters"
    if policy.get("RequireSymbols") and not any(c in SYMBOLS for c in password.strip()):
        yield "Password must have symbol characters"
    if password != password.strip():
        yield "Password must not have leading or trailing spaces"


def generate(pool: Pool) -> str:
    """Generate a temporary password.

    It has one character of each kind, so that it fits every policy.
    """
    kinds = [string.ascii_uppercase, string.ascii_lowercase, string.digits, "!@#%*-_"]
    length = max(TEMPORARY_LENGTH, int(_policy(pool).get("MinimumLength") or 0))
    rest = [
        secrets.choice(string.ascii_letters + string.digits) for _ in range(length - len(kinds))
    ]
    characters = [secrets.choice(kind) for kind in kinds] + rest
    secrets.SystemRandom().shuffle(characters)
    return "".join(characters)


def set_permanent(service: Service, pool: Pool, user: User, password: str) -> None:
    _store(pool, user, password)
    user.status = UserStatus.CONFIRMED
    service.state.temporary_passwords.pop(user.id, None)


def set_temporary(service: Service, pool: Pool, user: User, password: str) -> None:
    """Set a password that the user must change at the next sign-in.

    It expires after the days of the pool's policy.
    """
    _store(pool, user, password)
    user.status = UserStatus.FORCE_CHANGE_PASSWORD
    days = int(_policy(pool).get("TemporaryPasswordValidityDays") or 7)
    service.state.temporary_passwords[user.id] = service.clock() + days * 86400


def set_unconfirmed(pool: Pool, user: User, password: str) -> None:
    """Set the password of a user who signs up; the sign-up sets the status."""
    _store(pool, user, password)


def _store(pool: Pool, user: User, password: str) -> None:
    salt = secrets.token_bytes(16)
    user.password = f"{salt.hex()}${_verifier(pool, user, salt, password):x}"


def verify(pool: Pool, user: User, password: str) -> bool:
    if not user.password:
        return False
    salt, verifier = record(user)
    return hmac.compare_digest(f"{verifier:x}", f"{_verifier(pool, user, salt, password):x}")


def record(user: User) -> tuple[bytes, int]:
    """Return the salt and verifier of a user who has a password."""
    salt, verifier = str(user.password).split("$")
    return bytes.fromhex(salt), int(verifier, 16)


def short_name(pool: Pool) -> str:
    """Return the part of the pool's id that enters its users' hashes."""
    return str(pool.id.split("_", 1)[1])


def _verifier(pool: Pool, user: User, salt: bytes, password: str) -> int:
    """Return the verifier g^x mod N.

    x is H(salt | H(pool name | username | ":" | password)).
    """
    identity = f"{short_name(pool)}{user.username}:{password}"
    x = hashlib.sha256(positive(salt) + hashlib.sha256(identity.encode()).digest()).digest()
    return pow(G, int.from_bytes(x), N)


def positive(number: bytes) -> bytes:
    """Encode a number like Java's BigInteger, as every Cognito client does when it hashes.

    There are no leading zeros, except one before a set high bit.
    """
    stripped = number.lstrip(b"\0")
    return b"\0" + stripped if stripped[:1] >= b"\x80" else stripped
