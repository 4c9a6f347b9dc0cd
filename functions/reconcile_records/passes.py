"""The pass: its position and the drifts found. One row for each pool."""

from typing import Any

from atrium.stores import postgres
from reconcile_records import queries

AT_ONCE = 20
"""Identities that are looked up in the pool one by one, in one step."""


def begin(provider: str, *, restart: bool) -> dict[str, Any] | None:
    """Begin a pass or continue one. Return None if none is due or another run is in progress."""
    rows = postgres.query(queries.BEGIN, provider=provider, restart=restart)
    return dict(zip(("phase", "position", "found"), rows[0], strict=True)) if rows else None


def release(provider: str) -> None:
    postgres.query(queries.RELEASE, provider=provider)


def unseen(provider: str, after: str) -> list[str]:
    """Return subjects of active users that the pass has not seen in the pool."""
    rows = postgres.query(queries.UNSEEN, provider=provider, after=after, limit=AT_ONCE)
    return [subject for (subject,) in rows]


def found(provider: str) -> dict[str, int]:
    rows = postgres.query(queries.FOUND, provider=provider)
    return dict(rows[0][0]) if rows else {}


def save(provider: str, found: dict[str, int], then: tuple[str, str]) -> None:
    phase, position = then
    postgres.query(queries.SAVE, provider=provider, found=found, phase=phase, position=position)
