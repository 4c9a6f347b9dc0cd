"""A reference model of access decisions, to compare the service's answers with.

It reads the table's items and imports no other code of Atrium.
"""

from collections.abc import Iterable
from typing import Any

Item = dict[str, Any]


def permitted(
    table: Iterable[Item],
    user: str,
    action: str,
    kind: str,
    thing: str,
    now: float,
    need_mfa: Iterable[str] = (),
) -> bool:
    """May `user` do `action` to the `thing` of this `kind`? Roles that `need_mfa` count for nobody without it."""
    items = list(table)
    withheld = set[str]() if has_mfa(items, user) else set(need_mfa)
    return is_active(items, user) and any(
        has_not_ended(item, now)
        and reaches(item, kind, thing)
        and allows(items, item, f"{kind}.{action}", action, withheld)
        for item in items
        if item["pk"] == f"G#{user}"
    )


def is_active(items: list[Item], user: str) -> bool:
    """Somebody unknown is not active, and somebody disabled neither."""
    return any(
        item["pk"] == f"U#{user}" and item["sk"] == "META" and item["status"] == "active"
        for item in items
    )


def has_mfa(items: list[Item], user: str) -> bool:
    return any(
        item["pk"] == f"U#{user}" and item["sk"] == "META" and item.get("mfa", False)
        for item in items
    )


def has_not_ended(item: Item, now: float) -> bool:
    """A grant that ends at a moment has ended at that moment."""
    return bool(now < item.get("expires_at", now + 1))


def reaches(item: Item, kind: str, thing: str) -> bool:
    """A grant is for everything, for all things of a kind, or for one thing."""
    if item["scope"] == "*":
        return True
    of_kind, _, of_thing = item["scope"].partition(":")
    return bool(of_kind == kind and of_thing in ("*", thing))


def allows(
    items: list[Item], grant: Item, permission: str, action: str, withheld: set[str]
) -> bool:
    """A right is to one action. A role allows what it holds; the role `admin` holds everything."""
    if "role" not in grant:
        return bool(grant["action"] == action)
    if grant["role"] in withheld:
        return False
    roles = with_ancestors(items, grant["role"], set(), withheld)
    return grant["role"] == "admin" or any(
        item["sk"].startswith("PERM#") and item["permission"] == permission
        for item in items
        if item["pk"] in {f"R#{role}" for role in roles}
    )


def with_ancestors(items: list[Item], role: str, known: set[str], withheld: set[str]) -> set[str]:
    """The role, its parents, theirs, and so on; each once, should they ever form a circle."""
    for item in items:
        if item["pk"] == f"R#{role}" and item["sk"] == "META":
            for parent in set(item.get("parents", ())) - known - {role} - withheld:
                known = with_ancestors(items, parent, known | {role}, withheld)
    return known | {role}
