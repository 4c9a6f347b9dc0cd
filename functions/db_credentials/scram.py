"""SCRAM-SHA-256 verifiers, as Postgres stores them (RFC 5803, RFC 7677)."""

import base64
import hashlib
import hmac
import secrets

ITERATIONS = 4096
"""Postgres's default. More would only slow down connections, because the passwords are random."""


def verifier(password: str) -> str:
    """Return the SCRAM verifier of `password`, from which it cannot be computed.

    The password is ASCII, which SASLprep leaves unchanged.
    """
    salt = secrets.token_bytes(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, ITERATIONS)
    stored_key = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server_key = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${ITERATIONS}:{_base64(salt)}${_base64(stored_key)}:{_base64(server_key)}"


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
