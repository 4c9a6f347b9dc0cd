"""Who counts as an administrator, so that the last one cannot be taken away.

The item `R#admin`, `HOLDERS` has the set `uids`: active users who hold the role `admin` everywhere and without end. What
makes or ends one changes the set in its own transaction, so of many at once the last one is refused. A set, and not a
number: a repeat changes nothing.
"""

from typing import Any

from atrium.identity import grant_items
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN
from atrium.stores import user_attributes

KEY = (f"R#{ADMIN}", "HOLDERS")


def is_permanent(grant: Grant) -> bool:
    """Return True for a grant that makes its holder one of them, while active."""
    return grant.role == ADMIN and grant.scope == EVERYWHERE and grant.expires_at is None


def joining(uid: str) -> dict[str, Any]:
    """An item of a transaction."""
    values = {":uids": {"SS": [uid]}}
    return {
        "Update": {
            "Key": grant_items.at(KEY),
            "UpdateExpression": "ADD uids :uids",
            "ExpressionAttributeValues": values,
        }
    }


def leaving(uid: str) -> dict[str, Any]:
    """An item of a transaction, whose condition fails for the last one. For anybody else it changes nothing."""
    update = {
        "Key": grant_items.at(KEY),
        "UpdateExpression": "DELETE uids :uids",
        "ConditionExpression": "NOT contains(uids, :uid) OR size(uids) > :one",
        "ExpressionAttributeValues": {
            ":uids": {"SS": [uid]},
            ":uid": {"S": uid},
            ":one": {"N": "1"},
        },
    }
    return {"Update": update}


def is_last(uid: str) -> bool:
    """As things stand; only `leaving` is certain. One call. Raises `user_attributes.Unavailable`."""
    item = user_attributes.item(*KEY)
    return item is not None and item.get("uids") == [uid]
