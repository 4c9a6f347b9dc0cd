"""The items of a grant: a role, or the right to one action, for a user within a scope.

    G#<uid>          <scope>#ROLE#<role>  or  <scope>#ACTION#<action>     the grant
    GRANT#<id>       META                                                 {uid, sk}: a pointer to the grant
    ON#<type>#<id>   U#<uid>#ROLE#<role>  or  U#<uid>#ACTION#<action>     a copy, unless the scope is `*`

A user holds a role or an action at most once in a scope. A scope may contain `#`; the names of
roles and actions may not, so a sort key is split from the right. GSI1 lists the holders of a role,
GSI2 the grants by the day they end.
"""

import time
from datetime import UTC, datetime
from typing import Any

import msgspec

EVERYWHERE = "*"
"""The scope of a grant that counts for every resource. A token has only roles of this scope."""
DAY_SECONDS = 24 * 3600

Item = dict[str, Any]
"""An item as plain values."""
Key = tuple[str, str]
"""The pk and sk of an item."""

_CONDITIONAL = "?"
"""The beginning of `scope` in the items of a grant with a condition. No type begins with it.

A release from before conditions then finds a right to resources that do not exist, not a right
without a condition. The keys have the scope itself.
"""

DECIDING = (
    *("pk", "sk", "id", "role", "action"),
    *("scope", "expires_at", "role_generation", "condition"),
)
"""The attributes that `grant` reads."""


class Grant(msgspec.Struct, frozen=True):
    """The part of a grant that decisions need: a `role`, or the right to one `action`.

    The other of the two is None. `scope` is `*` (everywhere), `<type>:*` or `<type>:<id>`.
    `expires_at` is in epoch seconds, None for no end. `generation` is that of the role when it
    was granted. A role that is deleted and created again has another generation. `condition` is
    JSON text (atrium/identity/conditions.py): the grant counts only in decisions that meet it.
    """

    id: str
    scope: str
    role: str | None = None
    action: str | None = None
    expires_at: int | None = None
    generation: int = 0
    condition: str | None = None


class GrantRecord(msgspec.Struct, frozen=True):
    """A grant with its history. Times are RFC 3339.

    The API shows every field except `role_generation`, which `Grant.generation` explains.
    """

    id: str
    uid: str
    role: str | None
    action: str | None
    scope: str
    reason: str | None
    granted_by: str
    granted_at: str
    expires_at: str | None
    role_generation: int = 0
    version: int = 1
    condition: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the grant as the API shows it."""
        fields = msgspec.structs.asdict(self)
        del fields["role_generation"]
        return fields | {"condition": self.condition and msgspec.json.decode(self.condition)}


def partition(uid: str) -> str:
    return f"G#{uid}"


def sort_key(scope: str, role: str | None, action: str | None) -> str:
    return f"{scope}#{_name(role, action)}"


def pointer_key(grant: str) -> Key:
    return f"GRANT#{grant}", "META"


def resource_key(scope: str) -> str:
    return f"ON#{scope.replace(':', '#', 1)}"


def keys(record: GrantRecord) -> list[Key]:
    """Return the keys of the record's items, the grant's own first."""
    found = [
        (partition(record.uid), sort_key(record.scope, record.role, record.action)),
        pointer_key(record.id),
    ]
    if record.scope != EVERYWHERE:
        found.append(
            (resource_key(record.scope), f"U#{record.uid}#{_name(record.role, record.action)}")
        )
    return found


def index_keys(record: GrantRecord) -> dict[str, str]:
    """Return the keys of the grant in GSI1 and GSI2."""
    user, found = f"U#{record.uid}", dict[str, str]()
    if record.role:
        # The holders of a role everywhere are adjacent, so a search reads no other items.
        of_role = user if record.scope == EVERYWHERE else f"{resource_key(record.scope)}#{user}"
        found |= {"gsi1pk": f"ROLE#{record.role}", "gsi1sk": of_role}
    if record.expires_at is not None:
        end = seconds(record.expires_at)
        found |= {"gsi2pk": day_key(end), "gsi2sk": ending_key(end, user)}
    return found


def items(record: GrantRecord) -> list[Item]:
    """Return the record's items in DynamoDB's types, the grant's own first."""
    own, pointer, *on_resource = keys(record)
    shared = attributes(record) | texts({"id": record.id})
    end = {} if record.expires_at is None else {"expires_at": shared["expires_at"]}
    return [
        at(own) | shared | texts(index_keys(record)),
        at(pointer) | texts({"uid": record.uid, "grant_sk": own[1]}) | end,
        *(at(key) | shared for key in on_resource),
    ]


def attributes(record: GrantRecord) -> Item:
    """Return what each copy of the grant holds beside its keys and id, in DynamoDB's types."""
    values = {
        "role": record.role,
        "action": record.action,
        "scope": record.scope if record.condition is None else _CONDITIONAL + record.scope,
        "reason": record.reason,
        "granted_by": record.granted_by,
        "granted_at": record.granted_at,
        "condition": record.condition,
    }
    found = texts({name: value for name, value in values.items() if value is not None})
    found["version"] = {"N": str(record.version)}
    if record.role_generation:
        found["role_generation"] = {"N": str(record.role_generation)}
    return (
        found
        if record.expires_at is None
        else found | {"expires_at": {"N": str(seconds(record.expires_at))}}
    )


def grant(item: Item) -> Grant:
    """Read any copy of a grant."""
    return Grant(
        id_of(item),
        scope_of(item),
        item.get("role"),
        item.get("action"),
        item.get("expires_at"),
        generation_of(item),
        item.get("condition"),
    )


def record(item: Item) -> GrantRecord:
    """Read any copy of a grant with its history."""
    return GrantRecord(
        id=id_of(item),
        uid=uid_of(item),
        role=item.get("role"),
        action=item.get("action"),
        scope=scope_of(item),
        reason=item.get("reason"),
        granted_by=item["granted_by"],
        granted_at=item["granted_at"],
        expires_at=rfc3339(item["expires_at"]) if "expires_at" in item else None,
        role_generation=generation_of(item),
        version=item.get("version", 1),
        condition=item.get("condition"),
    )


def of_record(record: GrantRecord) -> Grant:
    """Return what a decision needs of the record."""
    end = None if record.expires_at is None else seconds(record.expires_at)
    return Grant(
        record.id,
        record.scope,
        record.role,
        record.action,
        end,
        record.role_generation,
        record.condition,
    )


def generation_of(item: Item) -> int:
    """Return the generation in an item: 0 for an action and for the first role of its name."""
    found: int = item.get("role_generation", 0)
    return found


def scope_of(item: Item) -> str:
    """Return the scope of any copy of a grant."""
    found: str = item["scope"]
    return found.removeprefix(_CONDITIONAL)


def id_of(item: Item) -> str:
    """Return the grant's id, which ends the sort key in the previous layout."""
    found: str = item["id"] if "id" in item else item["sk"].rsplit("#", 1)[1]
    return found


def uid_of(item: Item) -> str:
    """Return the holder of a grant from any of its copies."""
    of_user: str = item["sk"] if item["pk"].startswith("ON#") else item["pk"]
    return of_user.split("#")[1]


def in_force(item: Item) -> bool:
    """Return False for an item that has expired, which TTL may delete days later."""
    return item.get("expires_at") is None or item["expires_at"] > time.time()


def day_key(epoch_seconds: float) -> str:
    return f"EXP#{datetime.fromtimestamp(epoch_seconds, UTC):%Y-%m-%d}"


def ending_key(expires_at: int, rest: str = "") -> str:
    """Return a key that sorts by time. Its digits suffice until the year 2286."""
    return f"{expires_at:010}#{rest}"


def rfc3339(epoch_seconds: float) -> str:
    return (
        datetime.fromtimestamp(epoch_seconds, UTC)
        .isoformat(timespec="seconds")
        .replace("+00:00", "Z")
    )


def seconds(time: str) -> int:
    return int(datetime.fromisoformat(time).timestamp())


def at(key: Key) -> Item:
    return texts({"pk": key[0], "sk": key[1]})


def texts(values: dict[str, str]) -> Item:
    return {name: {"S": value} for name, value in values.items()}


def _name(role: str | None, action: str | None) -> str:
    return f"ROLE#{role}" if role else f"ACTION#{action}"
