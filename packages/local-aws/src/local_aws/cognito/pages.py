"""Pages of lists, with opaque tokens."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from local_aws.cognito.errors import invalid_parameter

LONGEST = 60


@dataclass(frozen=True)
class Page:
    items: Sequence[Any]
    next_token: str | None

    def answer(self, items_name: str, token_name: str) -> dict[str, Any]:
        following = {token_name: self.next_token} if self.next_token else {}
        return {items_name: list(self.items), **following}


def cut(items: Sequence[Any], limit: int | None, token: str | None) -> Page:
    """Return the page that the token names; the first one without a token."""
    start = _position(token) if token else 0
    end = start + (limit or LONGEST)
    return Page(items[start:end], _token(end) if end < len(items) else None)


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"from:{position}".encode()).decode()


def _position(token: str) -> int:
    try:
        kind, _, number = base64.urlsafe_b64decode(token.encode()).decode().partition(":")
        if kind == "from":
            return int(number)
    except ValueError:
        pass
    raise invalid_parameter("Invalid pagination token")
