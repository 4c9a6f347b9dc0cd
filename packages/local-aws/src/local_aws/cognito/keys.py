"""The RSA key that signs this stack's tokens, in a file that only its owner can read."""

import os
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import DecodeError, JoseError
from joserfc.jwk import RSAKey

ALGORITHM = "RS256"
FILE = "cognito.pem"


class InvalidTokenError(Exception):
    """A token that this stack's key did not sign, or that is no token at all."""

    def __init__(self, reason: str, *, is_malformed: bool = False) -> None:
        super().__init__(reason)
        self.is_malformed = is_malformed


class SigningKey:
    def __init__(self, key: RSAKey) -> None:
        self._key = key
        self.kid = key.thumbprint()

    def sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"kid": self.kid, "alg": ALGORITHM}, claims, self._key)

    def verify(self, token: str) -> dict[str, Any]:
        """Return the claims of a correctly signed token.

        The caller must check times and audience.
        """
        try:
            return jwt.decode(token, self._key, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError) as error:
            is_malformed = isinstance(error, DecodeError | ValueError)
            raise InvalidTokenError(str(error), is_malformed=is_malformed) from error

    def public(self) -> dict[str, Any]:
        """Return the public key in Cognito's form: a JWK with `kid`, `alg` and `use`."""
        return {**self._key.as_dict(private=False), "kid": self.kid, "alg": ALGORITHM, "use": "sig"}


def load_or_create(folder: Path) -> SigningKey:
    file = folder / FILE
    if not file.exists():
        _create(file)
    return SigningKey(RSAKey.import_key(file.read_bytes()))


def _create(file: Path) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = RSAKey.generate_key(2048).as_pem(private=True)
    draft = file.with_suffix(f".{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
        out.write(pem)
    draft.replace(file)
