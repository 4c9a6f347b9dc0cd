"""Document paths: an attribute, and names and positions inside it."""

from collections.abc import Iterable
from typing import Any

from local_aws.dynamodb.values import Item, Value

type Path = tuple[str | int, ...]  # begins with the attribute's name


def shown(path: Path) -> str:
    """Return the path in the form of AWS's messages: `[a, b, [0]]`."""
    return "[" + ", ".join(f"[{part}]" if isinstance(part, int) else part for part in path) + "]"


def find(item: Item, path: Path) -> Value | None:
    """Return the value at the path; None if there is none."""
    value: Value | None = item.get(str(path[0]))
    for part in path[1:]:
        if value is None:
            return None
        value = _inside(value, part)
    return value


def _inside(value: Value, part: str | int) -> Value | None:
    if isinstance(part, int):
        elements: list[Value] = value.get("L") or []
        return elements[part] if part < len(elements) else None
    members: Item = value.get("M") or {}
    return members.get(part)


def overlap(one: Path, other: Path) -> bool:
    """Return True if one path contains the other, or both are equal."""
    shortest = min(len(one), len(other))
    return one[:shortest] == other[:shortest]


def project(item: Item, paths: Iterable[Path]) -> Item:
    """Return only the values at the paths; list elements move together, in their order."""
    tree: dict[str | int, Any] = {}
    for path in paths:
        place = tree
        for part in path:
            place = place.setdefault(part, {})
    found = {}
    for name, below in tree.items():
        if (value := item.get(str(name))) is not None and (
            kept := _pruned(value, below)
        ) is not None:
            found[str(name)] = kept
    return found


def _pruned(value: Value, tree: dict[str | int, Any]) -> Value | None:
    if not tree:
        return value
    kept = {
        part: _pruned(inside, below)
        for part, below in tree.items()
        if (inside := _inside(value, part))
    }
    present = {part: each for part, each in kept.items() if each is not None}
    if not present:
        return None
    if "L" in value:
        return {
            "L": [
                present[part] for part in sorted(part for part in present if isinstance(part, int))
            ]
        }
    return {"M": {str(part): each for part, each in present.items()}}
