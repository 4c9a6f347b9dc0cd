"""Limits that every JSON value from a client must respect, whatever its model says."""

from collections.abc import Iterator
from typing import Any

from atrium.http.problem import FieldError, Problem
from atrium.runtime import lean_import

MAX_DEPTH = 32
MAX_VALUES = 10_000
"""The maximum number of members and items in one body, on all levels."""
MAX_NUMBER = (1 << 53) - 1
"""The largest integer that all JSON implementations agree on (RFC 7493, section 2.2)."""

# C0, C1 and lone surrogates. The type of a field decides about tabs and line ends.
_UNSOUND = lean_import.pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def parse(kind: Any, value: object) -> object:
    """Decode types with their own `parse`, such as those of atrium.http.text.

    This is a `dec_hook` of msgspec.
    """
    return kind.parse(value)


def check_shape(value: object) -> None:
    """Raise 400 if the value nests too deep, or 413 if it has too many values."""
    level, depth, count = [value], 0, 0
    while level := [child for parent in level for child in _children(parent)]:
        depth, count = depth + 1, count + len(level)
        if depth > MAX_DEPTH or (
            depth == MAX_DEPTH and any(isinstance(child, (dict, list)) for child in level)
        ):
            raise too_deep()
        if count > MAX_VALUES:
            raise Problem(
                413,
                "body_too_many_values",
                f"The body has more than {MAX_VALUES} values. Send it in parts.",
            )


def too_deep() -> Problem:
    return Problem(400, "body_too_deep", f"The body nests deeper than {MAX_DEPTH} levels.")


def unsound(value: object, pointer: str = "#") -> Iterator[FieldError]:
    """Yield errors for control characters and numbers out of range below `pointer`."""
    if fault := fault_of(value):
        yield FieldError(pointer, fault)
    elif isinstance(value, dict):
        for name, member in value.items():
            if fault := fault_of(name):
                yield FieldError(child(pointer, name), fault)
            yield from unsound(member, child(pointer, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from unsound(item, f"{pointer}/{index}")


def fault_of(value: object) -> str | None:
    """Return why a scalar is invalid. Return None for valid scalars, objects and arrays."""
    if isinstance(value, str) and _UNSOUND.search(value):
        return "Control characters are not allowed"
    if isinstance(value, (int, float)) and not -MAX_NUMBER <= value <= MAX_NUMBER:
        return f"Must be between -{MAX_NUMBER} and {MAX_NUMBER}"
    return None


def child(pointer: str, name: str) -> str:
    """Return the pointer of a member (RFC 6901, section 3)."""
    return f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"


def _children(value: object) -> list[Any]:
    return (
        list(value.values())
        if isinstance(value, dict)
        else value
        if isinstance(value, list)
        else []
    )
