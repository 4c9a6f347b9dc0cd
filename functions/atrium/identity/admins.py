"""The set of administrators, which prevents the removal of the last one.

The item `R#admin`, `HOLDERS` has the set `uids`: active users who hold the role `admin` everywhere
and without end. A transaction that adds or removes such a user also changes the set, so concurrent
removals cannot remove the last one. A set, unlike a counter, makes repeats harmless.
"""

from typing import Any

from atrium.identity import grant_items
from atrium.identity.grant_items import EVERYWHERE, Grant
from atrium.identity.permissions import ADMIN
from atrium.stores import user_table

KEY = (f"R#{ADMIN}", "HOLDERS")


def is_permanent(grant: Grant) -> bool:
    """Return True if the grant makes its active holder count as an administrator."""
    return grant.role == ADMIN and grant.scope == EVERYWHERE and grant.expires_at is None


def joining(uid: str) -> dict[str, Any]:
    """Return an item of a transaction that adds the user to the set."""
    values = {":uids": {"SS": [uid]}}
    return {
        "Update": {
            "Key": grant_items.at(KEY),
            "UpdateExpression": "ADD uids :uids",
            "ExpressionAttributeValues": values,
        }
    }


def leaving(uid: str) -> dict[str, Any]:
    """Return an item of a transaction that removes the user from the set.

    Its condition fails for the last administrator. It has no effect on other users.
    """
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


def uids() -> list[str]:
    """Return the administrators. One call. Raises `user_table.TableUnavailableError`."""
    item = user_table.item(*KEY)
    return sorted(item.get("uids", ())) if item else []


def is_last(uid: str) -> bool:
    """Return True if the user is the last administrator at this moment.

    Only the condition of `leaving` is certain. One call. Raises `user_table.TableUnavailableError`.
    """
    return uids() == [uid]
