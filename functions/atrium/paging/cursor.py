"""Pagination cursors: the position where a page ends, signed so that clients cannot forge one.

    <version of the key>.<expiry and position, JSON in base64url>.<HMAC-SHA256, its first half, in
    base64url>

A cursor is valid for one list only. The signature also covers the list's `binding`, which is not
part of the cursor.
"""

import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from atrium.http.problem import ParameterError, Problem
from atrium.stores import signing_keys
from atrium.stores.signing_keys import Key

PURPOSE = "cursor"
LIFETIME_SECONDS = 24 * 3600
_CODE_BYTES = 16
_MAX_VERSION_DIGITS = 9


def sign(position: tuple[object, ...], binding: bytes) -> str:
    """Return a cursor for `position`, which holds values that msgspec can write as JSON."""
    key = signing_keys.newest(PURPOSE)
    content = msgspec.json.encode([int(time.time()) + LIFETIME_SECONDS, *position], enc_hook=str)
    signed = f"{key.version}.{_text(content)}"
    return f"{signed}.{_code(key, signed, binding)}"


def verify(cursor: str, binding: bytes) -> tuple[Any, ...]:
    """Return the position, as JSON values.

    Raise 400 if the cursor is forged, expired, or belongs to another list.
    """
    signed, _, code = cursor.rpartition(".")
    version, _, content = signed.partition(".")
    if not (version.isascii() and version.isdigit() and len(version) <= _MAX_VERSION_DIGITS):
        raise invalid()
    key = signing_keys.find(PURPOSE, int(version))
    if key is None or not _is_equal(code, _code(key, signed, binding)):
        raise invalid()
    expires_at, *position = msgspec.json.decode(
        urlsafe_b64decode(content + "=" * (-len(content) % 4))
    )
    if expires_at <= time.time():
        raise invalid()
    return tuple(position)


def invalid() -> Problem:
    errors = [ParameterError("cursor", "Must be a cursor of this list that is less than a day old")]
    detail = "The cursor belongs to another list or has expired. Start again without `cursor`."
    return Problem(400, "cursor_invalid", detail, errors=errors)


def _code(key: Key, signed: str, binding: bytes) -> str:
    import hmac  # not at the top: it loads OpenSSL, and most lists fit on one page

    # imported here: it loads OpenSSL, and most lists fit on one page
    return _text(hmac.digest(key.secret, signed.encode() + b"\n" + binding, "sha256")[:_CODE_BYTES])


def _is_equal(given: str, right: str) -> bool:
    import hmac

    return hmac.compare_digest(given.encode(), right.encode())


def _text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")
