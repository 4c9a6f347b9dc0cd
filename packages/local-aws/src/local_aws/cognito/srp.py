"""USER_SRP_AUTH: a sign-in that never transmits the password.

It follows RFC 5054, with Cognito's own key derivation and proof.
"""

import base64
import hashlib
import hmac
import secrets
import uuid
from typing import Any

from local_aws.cognito import lockout, passwords, pools
from local_aws.cognito.errors import (
    CognitoError,
    bad_credentials,
    invalid_parameter,
    not_authorized,
)
from local_aws.cognito.passwords import G, N, positive
from local_aws.cognito.pools import Client, Pool, User
from local_aws.cognito.service import Service
from local_aws.cognito.state import SrpExchange

PASSWORD_VERIFIER = "PASSWORD_VERIFIER"  # noqa: S105 - the name of a challenge
INFO = b"Caldera Derived Key"  # from Cognito's derivation of the session key
LIFETIME = 180  # seconds
EXPONENT_BITS = 256  # RFC 5054, section 3.1


def challenge(
    service: Service, pool: Pool, client: Client, username: str, a_hex: str
) -> dict[str, Any]:
    """Start the exchange.

    Where unknown names are hidden, they get the same kind of answer as known names.
    """
    user = pools.find_user(pool, username)
    if user is None and not pools.hides_absence(client):
        raise CognitoError("UserNotFoundException", "User does not exist.")
    salt, verifier = _record(service, pool, user, username)
    a, b = _public_value(a_hex), secrets.randbits(EXPONENT_BITS)
    b_public = (_hash(_bytes(N), _bytes(G)) * verifier + pow(G, b, N)) % N
    block = base64.b64encode(secrets.token_bytes(256)).decode()
    now = service.clock()
    exchanges = {k: e for k, e in service.state.srp_exchanges.items() if e.expires_at > now}
    sub = user.id if user else None
    exchanges[block] = SrpExchange(
        pool.id, client.id, sub, a, b, b_public, verifier, now + LIFETIME, username
    )
    service.state.srp_exchanges = exchanges
    name = user.username if user else str(uuid.UUID(bytes=_simulated(service, pool, username)[16:]))
    parameters = {
        "USERNAME": name,
        "USER_ID_FOR_SRP": name,
        # without leading zeros, because clients hash the text that they get
        "SALT": f"{int.from_bytes(salt):x}",
        "SECRET_BLOCK": block,
        "SRP_B": f"{b_public:x}",
    }
    return {"ChallengeName": PASSWORD_VERIFIER, "ChallengeParameters": parameters}


def verify(service: Service, pool: Pool, client: Client, responses: dict[str, str]) -> User:
    """Return the user who proved the password; each exchange can be answered once."""
    block = responses.get("PASSWORD_CLAIM_SECRET_BLOCK", "")
    exchange = service.state.srp_exchanges.pop(block, None)
    if (
        exchange is None
        or exchange.client_id != client.id
        or exchange.expires_at <= service.clock()
    ):
        raise not_authorized("Invalid session for the user.")
    user = pools.find_user_by_sub(pool, exchange.sub) if exchange.sub else None
    lockout.require_open(service, pool, user or exchange.username)
    if user is None or not _proved(pool, user, exchange, block, responses):
        lockout.count(service, pool, user or exchange.username)
        raise bad_credentials()
    return user


def _proved(
    pool: Pool, user: User, exchange: SrpExchange, block: str, responses: dict[str, str]
) -> bool:
    message = (passwords.short_name(pool) + user.username).encode() + base64.b64decode(block)
    proof = hmac.digest(
        _session_key(exchange), message + responses.get("TIMESTAMP", "").encode(), hashlib.sha256
    )
    return hmac.compare_digest(
        base64.b64encode(proof), responses.get("PASSWORD_CLAIM_SIGNATURE", "").encode()
    )


def _session_key(exchange: SrpExchange) -> bytes:
    """Return the session key.

    It consists of the 16 bytes of HKDF-SHA256 that Cognito uses, from S = (A · v^u)^b.
    """
    u = _hash(_bytes(exchange.a), _bytes(exchange.b_public))
    shared = pow(exchange.a * pow(exchange.verifier, u, N), exchange.b, N)
    extracted = hmac.digest(_bytes(u), _bytes(shared), hashlib.sha256)
    return hmac.digest(extracted, INFO + b"\x01", hashlib.sha256)[:16]


def _public_value(a_hex: str) -> int:
    """Parse the client's public value.

    A = 0 (mod N) is rejected, because it would reveal the shared secret without the password.
    """
    try:
        a = int(a_hex, 16)
    except ValueError:
        a = 0
    if a % N == 0:
        raise invalid_parameter("SRP_A is not a valid public value")
    return a


def _record(service: Service, pool: Pool, user: User | None, username: str) -> tuple[bytes, int]:
    if user is not None and user.password:
        return passwords.record(user)
    return _simulated(service, pool, username)[:16], pow(G, secrets.randbits(EXPONENT_BITS), N)


def _simulated(service: Service, pool: Pool, username: str) -> bytes:
    """Return the same values for the same name, so that a second attempt reveals nothing either."""
    return hmac.digest(
        service.state.secret, f"{pool.id}:{pools.fold(pool, username)}".encode(), hashlib.sha256
    )


def _hash(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"".join(parts)).digest())


def _bytes(number: int) -> bytes:
    return positive(number.to_bytes((number.bit_length() + 7) // 8))
