"""Limits for the size of the claims that Atrium adds to an access token.

Clients send the token with every request. API Gateway rejects requests whose headers exceed 10,240
bytes in total. The limits below keep the `Authorization` header under 6,500 bytes, which leaves
3,700 for all other headers. A byte of a claim takes 4/3 bytes there. The rest of the header
(Cognito's own claims, signature, `Bearer`) takes about 1,500.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

MAX_SCOPES = 1024
MAX_ROLES = 1024
MAX_ATTRIBUTES = 1536


def size(claim: str) -> int:
    """Return the size in bytes of a claim as a JSON string with non-ASCII characters escaped."""
    import json  # botocore has imported it already in these functions, and msgspec does not escape

    return len(json.dumps(claim))


def of_words(words: Iterable[str]) -> int:
    """Return the size of a claim that lists roles or scopes."""
    return size(" ".join(words))


def of_roles(names: Iterable[str], role_generations: Mapping[str, int]) -> int:
    """Return the size of the claims `roles` and `role_generations`."""
    known = list(names)
    claim = generations_claim(known, role_generations)
    return of_words(known) + (size(claim) if claim else 0)


def generations_claim(names: Iterable[str], role_generations: Mapping[str, int]) -> str:
    """Return the claim `role_generations`: `editor=3 reader=2`, without roles of generation 0."""
    return " ".join(
        f"{name}={role_generations[name]}" for name in names if role_generations.get(name)
    )


def generations(claim: str) -> dict[str, int]:
    """Return the generations in a claim. Raise ValueError if it is malformed."""
    pairs = (word.partition("=") for word in claim.split())
    return {name: int(generation) for name, _, generation in pairs}


def of_attributes(attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the size of the claim `attributes`."""
    return size(msgspec.json.encode(attributes).decode())
