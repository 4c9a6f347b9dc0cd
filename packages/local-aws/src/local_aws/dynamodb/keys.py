"""Key values as bytes in DynamoDB's sort order.

Text sorts by its UTF-8 bytes, numbers by value, binary values by their bytes.
"""

import base64
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

_NINES = bytes.maketrans(b"0123456789", b"9876543210")


def encode(value: Mapping[str, Any]) -> bytes:
    """Return the bytes of a canonical value of type S, N or B."""
    [(kind, content)] = value.items()
    if kind == "S":
        return bytes(content.encode())
    return base64.b64decode(content) if kind == "B" else _number(Decimal(content))


def _number(value: Decimal) -> bytes:
    """Return sign, exponent and digits as bytes.

    Those of a negative number are inverted, so that larger numbers sort later.
    """
    if not value:
        return b"\x01"
    sign, digits, _ = value.as_tuple()
    text = "".join(map(str, digits)).rstrip("0").encode()
    exponent = value.adjusted() + 130
    if sign:
        return bytes([0, 255 - exponent]) + text.translate(_NINES) + b"\xff"
    return bytes([2, exponent]) + text


def after_prefix(prefix: bytes) -> bytes | None:
    """Return the first key after all keys that begin with `prefix`; None if there is none."""
    short = prefix.rstrip(b"\xff")
    return short[:-1] + bytes([short[-1] + 1]) if short else None
