"""A reference model of access decisions, to compare the service's answers with.

It reads the table's items and imports no other code of Atrium.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

Item = dict[str, Any]


def permitted(
    table: Iterable[Item],
    user: str,
    action: str,
    kind: str,
    thing: str,
    stated: Mapping[str, Mapping[str, Any]],
    now: float,
    need_mfa: Iterable[str] = (),
) -> bool:
    """Return True if `user` may do `action` to the `thing` of this `kind`.

    Roles in `need_mfa` give nothing to a user without MFA. `stated` holds the properties in the
    request that conditions may use.
    """
    items = list(table)
    known = {
        "subject": {
            **stated["subject"],
            "type": "user",
            "id": user,
            "attributes": trusted_values(items, user),
        },
        "action": {**stated["action"], "name": action},
        "resource": {**stated["resource"], "type": kind, "id": thing},
        "context": stated["context"],
        "now": datetime.fromtimestamp(now, UTC).isoformat(),
    }
    withheld = set[str]() if has_mfa(items, user) else set(need_mfa)
    return is_active(items, user) and any(
        has_not_ended(item, now)
        and reaches(item, kind, thing)
        and allows(items, item, f"{kind}.{action}", action, withheld, known)
        and ("condition" not in item or is_true(json.loads(item["condition"]), known))
        for item in items
        if item["pk"] == f"G#{user}"
    )


def is_active(items: list[Item], user: str) -> bool:
    """Return False for unknown and for disabled users."""
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
    """Return True before the end of the grant, and False from that moment on."""
    return bool(now < item.get("expires_at", now + 1))


def reaches(item: Item, kind: str, thing: str) -> bool:
    """Return True if the grant's scope is `*`, all resources of the kind, or this resource."""
    if item["scope"] == "*":
        return True
    of_kind, _, of_thing = item["scope"].partition(":")
    return bool(of_kind == kind and of_thing in ("*", thing))


def allows(
    items: list[Item], grant: Item, permission: str, action: str, withheld: set[str], known: Item
) -> bool:
    """Return True if the grant is for this action, or for a role that holds it.

    A role may hold it under a condition. `admin` holds all.
    """
    if "role" not in grant:
        return bool(grant["action"] == action)
    if grant["role"] in withheld:
        return False
    roles = with_ancestors(items, grant["role"], set(), withheld)
    return grant["role"] == "admin" or any(
        item.get("permission") == permission
        and ("condition" not in item or is_true(json.loads(item["condition"]), known))
        for item in items
        if item["pk"] in {f"R#{role}" for role in roles}
    )


def with_ancestors(items: list[Item], role: str, known: set[str], withheld: set[str]) -> set[str]:
    """Return the role and all its ancestors, each once, even if parents form a cycle."""
    for item in items:
        if item["pk"] == f"R#{role}" and item["sk"] == "META":
            for parent in set(item.get("parents", ())) - known - {role} - withheld:
                known = with_ancestors(items, parent, known | {role}, withheld)
    return known | {role}


def trusted_values(items: list[Item], user: str) -> dict[str, dict[str, Any]]:
    """Return the user's stored values in namespaces that go into tokens."""
    trusted = [item["sk"] for item in items if item["pk"] == "NAMESPACES" and item["in_token"]]
    values: dict[str, dict[str, Any]] = {}
    for item in items:
        if item["pk"] == f"U#{user}" and item["sk"].startswith("ATTR#"):
            _, namespace, name = item["sk"].split("#")
            if namespace in trusted:
                values.setdefault(namespace, {})[name] = json.loads(item["value"])
    return values


def is_true(condition: Item, known: Item) -> bool:
    """Return True if the condition is true whatever the missing values are."""
    [(sign, parts)] = condition.items()
    if sign == "and":
        return all(is_true(part, known) for part in parts)
    if sign == "or":
        return any(is_true(part, known) for part in parts)
    if sign == "!":
        return is_false(parts[0], known)
    return verdict(sign, *(value(part, known) for part in parts)) == "holds"


def is_false(condition: Item, known: Item) -> bool:
    """Return True if the condition is false whatever the missing values are."""
    [(sign, parts)] = condition.items()
    if sign == "and":
        return any(is_false(part, known) for part in parts)
    if sign == "or":
        return all(is_false(part, known) for part in parts)
    if sign == "!":
        return is_true(parts[0], known)
    return verdict(sign, *(value(part, known) for part in parts)) == "fails"


def verdict(sign: str, one: Any, other: Any) -> str:
    """Return the result of a comparison: None if a value is missing or the types differ."""
    if sign == "in":
        if not isinstance(other, list) or kind_of(one) is None:
            return "cannot be made"
        each = {verdict("==", one, choice) for choice in other}
        if "holds" in each:
            return "holds"
        return "cannot be made" if "cannot be made" in each else "fails"
    if sign in ("before", "after"):
        one, other = moment(one), moment(other)
        sign = "<" if sign == "before" else ">"
    if kind_of(one) is None or kind_of(one) != kind_of(other):
        return "cannot be made"
    if kind_of(one) == "truth" and sign not in ("==", "!="):
        return "cannot be made"
    holds = {
        "==": lambda: one == other,
        "!=": lambda: one != other,
        "<": lambda: one < other,
        ">": lambda: one > other,
        "<=": lambda: one <= other,
        ">=": lambda: one >= other,
    }[sign]()
    return "holds" if holds else "fails"


def kind_of(value: Any) -> str | None:
    if isinstance(value, bool):
        return "truth"
    kinds = {int: "number", float: "number", str: "text", datetime: "moment"}
    return kinds.get(type(value))


def moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.utcoffset() is not None else None


def value(part: Any, known: Any) -> Any:
    """Return a constant, or the value that a name such as `resource.owner` refers to."""
    if not isinstance(part, dict):
        return part
    for name in part["var"].split("."):
        known = known.get(name) if isinstance(known, dict) else None
    return known
