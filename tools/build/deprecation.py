"""Deprecation of an operation, compiled into the headers of its responses.

`deprecated: true` and `x-atrium-deprecation: {since: <date>, sunset: <date>}` go together.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tools.build.errors import BuildError

EXTENSION = "x-atrium-deprecation"


def headers(file: Path, route: str, operation: Mapping[str, Any]) -> dict[str, str]:
    """Return `Deprecation` (RFC 9745) and `Sunset` (RFC 8594), or nothing for other operations.

    Raise BuildError if one of the two declarations is missing or a date is wrong.
    """
    field = f"{route}.{EXTENSION}"
    declared = operation.get(EXTENSION)
    if bool(operation.get("deprecated")) != (declared is not None):
        why = f"`deprecated: true` and `{EXTENSION}` go together."
        raise BuildError(file, field, why, "Write both, or neither of the two.")
    if declared is None:
        return {}
    since, sunset = (_midnight(file, field, declared, name) for name in ("since", "sunset"))
    if sunset <= since:
        raise BuildError(file, field, "`sunset` is not after `since`.", "Write a later date.")
    return {
        "Deprecation": f"@{int(since.timestamp())}",
        "Sunset": format_datetime(sunset, usegmt=True),
    }


def _midnight(file: Path, field: str, declared: Any, name: str) -> datetime:
    try:
        day = date.fromisoformat(declared[name])
    except (KeyError, TypeError, ValueError):
        raise BuildError(
            file, field, f"`{name}` is not a date.", "Write it as 2027-01-31."
        ) from None
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
