"""Cognito's form of the Secure Remote Password protocol (RFC 5054, 3072 bits, SHA-256)."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

PRIME = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a0879"
    "8e3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b"
    "0bff5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da4836"
    "1c55d39a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804"
    "f1746c08ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf6"
    "955817183995497cea956ae515d2261898fa051015728e5a8aaac42dad33170d04507a33a85521abdf1cba64"
    "ecfb850458dbef0a8aea71575d060c7db3970f85a6e1e4c7abf5ae8cdb0933d71e8c94e04a25619dcee3d226"
    "1ad2ee6bf12ffa06d98a0864d87602733ec86a64521f2b18177b200cbbe117577a615d6c770988c0bad946e2"
    "08e24fa074e5ab3143db5bfce0fd108e4b82d120a93ad2caffffffffffffffff",
    16,
)
GENERATOR = 2
INFO = b"Caldera Derived Key"
# Cognito wants English names, whatever the locale of strftime is.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)


@dataclass(frozen=True)
class Srp:
    """The client's half of one sign-in: a secret number and the public value made from it."""

    secret: int = field(default_factory=lambda: secrets.randbits(1024))

    @property
    def public(self) -> int:
        return pow(GENERATOR, self.secret, PRIME)

    def answer(self, pool: str, password: str, challenge: Mapping[str, str]) -> dict[str, str]:
        """Return the responses to Cognito's challenge PASSWORD_VERIFIER."""
        user, block = challenge["USER_ID_FOR_SRP"], challenge["SECRET_BLOCK"]
        time = _timestamp(datetime.now(UTC))
        message = f"{pool}{user}".encode() + base64.b64decode(block) + time.encode()
        key = self._shared_key(f"{pool}{user}:{password}".encode(), challenge)
        signature = hmac.digest(key, message, "sha256")
        return {
            "USERNAME": user,
            "PASSWORD_CLAIM_SECRET_BLOCK": block,
            "PASSWORD_CLAIM_SIGNATURE": base64.b64encode(signature).decode(),
            "TIMESTAMP": time,
        }

    def _shared_key(self, identity: bytes, challenge: Mapping[str, str]) -> bytes:
        theirs, salt = int(challenge["SRP_B"], 16), int(challenge["SALT"], 16)
        if theirs % PRIME == 0:
            raise ValueError("The server's SRP value is not valid.")
        scramble = _number(_hash(_bytes(self.public) + _bytes(theirs)))
        multiplier = _number(_hash(_bytes(PRIME) + _bytes(GENERATOR)))
        exponent = _number(_hash(_bytes(salt) + _hash(identity)))
        base = theirs - multiplier * pow(GENERATOR, exponent, PRIME)
        secret = pow(base, self.secret + scramble * exponent, PRIME)
        extracted = hmac.digest(_bytes(scramble), _bytes(secret), "sha256")
        return hmac.digest(extracted, INFO + b"\x01", "sha256")[:16]


def _bytes(value: int) -> bytes:
    """Return the big-endian bytes as Java's BigInteger does: a zero in front of a set first bit."""
    return value.to_bytes(value.bit_length() // 8 + 1)


def _number(value: bytes) -> int:
    return int.from_bytes(value)


def _hash(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()


def _timestamp(now: datetime) -> str:
    day, month = DAYS[now.weekday()], MONTHS[now.month - 1]
    return f"{day} {month} {now.day} {now:%H:%M:%S} UTC {now.year}"
