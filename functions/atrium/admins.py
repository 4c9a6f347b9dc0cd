"""Who counts as an administrator, so that the last one cannot be taken away.

The item `R#admin`, `HOLDERS` has the set `uids`: active users who hold the role `admin` everywhere and without end. What
makes or ends one changes the set in its own transaction, so of many at once the last one is refused. A set, and not a
number: a repeat changes nothing.
"""

from typing import Any

from atrium import user_attributes
from atrium.permissions import ADMIN
from atrium.roles import EVERYWHERE
from atrium.user_attributes import Role

_KEY = {"pk": {"S": f"R#{ADMIN}"}, "sk": {"S": "HOLDERS"}}


def is_permanent(role: Role) -> bool:
    """Whether the grant makes its holder one of them, while active."""
    return role.role == ADMIN and role.scope == EVERYWHERE and role.expires_at is None


def joining(uid: str) -> dict[str, Any]:
    """An item of a transaction."""
    values = {":uids": {"SS": [uid]}}
    return {"Update": {"Key": _KEY, "UpdateExpression": "ADD uids :uids", "ExpressionAttributeValues": values}}


def leaving(uid: str) -> dict[str, Any]:
    """An item of a transaction, whose condition fails for the last one. For anybody else it changes nothing."""
    update = {
        "Key": _KEY,
        "UpdateExpression": "DELETE uids :uids",
        "ConditionExpression": "NOT contains(uids, :uid) OR size(uids) > :one",
        "ExpressionAttributeValues": {":uids": {"SS": [uid]}, ":uid": {"S": uid}, ":one": {"N": "1"}},
    }
    return {"Update": update}


def is_last(uid: str) -> bool:
    """As things stand; only `leaving` is certain. One call. Raises `user_attributes.Unavailable`."""
    item = user_attributes.item(_KEY["pk"]["S"], _KEY["sk"]["S"])
    return item is not None and item.get("uids") == [uid]
