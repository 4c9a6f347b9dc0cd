"""How much of an access token the claims that we add may take.

Clients send the token with every request, and API Gateway refuses requests whose headers have more than 10,240 bytes in
total. The limits below keep the `Authorization` header under 6,500 bytes, so 3,700 are left for all other headers. A byte
of a claim costs 4/3 bytes there. The rest of the header (Cognito's own claims, signature, `Bearer`) takes about 1,500.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

MAX_SCOPES = 1024
MAX_ROLES = 1024
MAX_ATTRIBUTES = 1536


def size(claim: str) -> int:
    """Return the bytes that a claim takes at most, as a JSON string whose non-ASCII characters are escaped."""
    import json  # botocore has imported it in every function that makes or bounds a token; msgspec does not escape

    return len(json.dumps(claim))


def of_words(words: Iterable[str]) -> int:
    """Return the size of a claim that lists roles or scopes."""
    return size(" ".join(words))


def of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of the claim `attributes`."""
    return size(msgspec.json.encode(attributes).decode())
