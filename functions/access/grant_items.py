"""A grant as it lies in the table: under its user, and, when it is for a resource, under that resource as well.

Both items are written in one transaction, and are the same but for their keys. The one under the resource makes "who has
rights here" a read of one partition, which a revocation changes at once; GSI1 has the holders of a role, GSI2 what ends.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec

from access import decision
from access.decision import Grant, Standing
from atrium import user_attributes
from atrium.roles import EVERYWHERE

RIGHTS = ("META", "ROLE$")
"""META, PERM#… and ROLE#… lie between these two sort keys, without the user's attributes: `$` follows `#`."""

GRANTS = ("PERM#", "ROLE$")
DAY_SECONDS = 24 * 3600


class Granted(msgspec.Struct, frozen=True):
    """A grant with its history, as the API shows it. Times are RFC 3339."""

    id: str
    uid: str
    role: str | None
    action: str | None
    scope: str
    reason: str | None
    granted_by: str
    granted_at: str
    expires_at: str | None


def standing(uid: str) -> Standing:
    """Of a user, with every grant, in force or not. One Query (one call per megabyte). Raises `Unavailable`."""
    return of_items(user_attributes.query(f"U#{uid}", between=RIGHTS, only=_DECIDING))


_DECIDING = ("sk", "status", "role", "action", "scope", "expires_at")
"""What a decision needs of an item; the rest stays in the table."""


def of_items(items: Iterator[dict[str, Any]]) -> Standing:
    status, grants = None, list[Grant]()
    for item in items:
        if item["sk"] == "META":
            status = item["status"]
        else:
            grants.append(deciding(item))
    return Standing(status, grants)


def deciding(item: dict[str, Any]) -> Grant:
    grant = item["sk"].rsplit("#", 1)[1]
    return Grant(grant, item["scope"], item.get("role"), item.get("action"), item.get("expires_at"))


def granted(item: dict[str, Any]) -> Granted:
    """Of an item under the user or under the resource."""
    return Granted(
        id=item["sk"].rsplit("#", 1)[1],
        uid=uid_of(item),
        role=item.get("role"),
        action=item.get("action"),
        scope=item["scope"],
        reason=item.get("reason"),
        granted_by=item["granted_by"],
        granted_at=item["granted_at"],
        expires_at=rfc3339(item["expires_at"]) if "expires_at" in item else None,
    )


def uid_of(item: dict[str, Any]) -> str:
    """Whose grant it is."""
    of_user: str = item["pk"] if item["pk"].startswith("U#") else item["sk"]
    return of_user.split("#")[1]


def in_force(items: Iterable[dict[str, Any]], limit: int | None = None) -> list[Granted]:
    """Of these the first `limit` that have not ended."""
    now = time.time()
    return [granted(item) for item in islice((item for item in items if decision.in_force(deciding(item), now)), limit)]


def items(grant: Granted) -> list[dict[str, Any]]:
    """Those to be put."""
    attributes = {
        "role": grant.role,
        "action": grant.action,
        "scope": grant.scope,
        "reason": grant.reason,
        "granted_by": grant.granted_by,
        "granted_at": grant.granted_at,
    }
    shared = {name: {"S": value} for name, value in attributes.items() if value is not None}
    if grant.expires_at is not None:
        shared["expires_at"] = {"N": str(_seconds(grant.expires_at))}
    made = [_texts(*keys(grant)[0]) | shared | _texts_named(index_keys(grant))]
    if grant.scope != EVERYWHERE:
        made.append(_texts(*keys(grant)[1]) | shared)
    return made


def keys(grant: Granted) -> list[tuple[str, str]]:
    """pk and sk of its items, the one under the user first."""
    name = (
        f"ROLE#{grant.scope}#{grant.role}" if grant.role else f"PERM#{grant.scope.replace(':', '#', 1)}#{grant.action}"
    )
    found = [(f"U#{grant.uid}", f"{name}#{grant.id}")]
    if grant.scope != EVERYWHERE:
        found.append((resource_key(grant.scope), f"U#{grant.uid}#{grant.id}"))
    return found


def index_keys(grant: Granted) -> dict[str, str]:
    """Of the item under the user."""
    user, found = f"U#{grant.uid}", dict[str, str]()
    if grant.role:
        # Those who hold it everywhere lie together, so that a search need not read past the others.
        of_role = user if grant.scope == EVERYWHERE else f"{resource_key(grant.scope)}#{user}"
        found |= {"gsi1pk": f"ROLE#{grant.role}", "gsi1sk": of_role}
    if grant.expires_at is not None:
        end = _seconds(grant.expires_at)
        found |= {"gsi2pk": day_key(end), "gsi2sk": ending_key(end, user)}
    return found


def resource_key(scope: str) -> str:
    return f"ON#{scope.replace(':', '#', 1)}"


def day_key(epoch_seconds: float) -> str:
    return f"EXP#{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%d}"


def ending_key(expires_at: int, rest: str = "") -> str:
    """Sorts by time: of the same length until the year 2286."""
    return f"{expires_at:010}#{rest}"


def rfc3339(epoch_seconds: float) -> str:
    return datetime.fromtimestamp(epoch_seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def _texts(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return _texts_named({"pk": pk, "sk": sk})


def _texts_named(values: dict[str, str]) -> dict[str, dict[str, str]]:
    return {name: {"S": value} for name, value in values.items()}
