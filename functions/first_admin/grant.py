"""The grant of the role `admin`, in one transaction with its audit event.

The transaction also sets a new access epoch and adds the user to the set of administrators.
"""

from typing import Any

from atrium.identity import admins, grants
from atrium.identity.grant_items import EVERYWHERE, GrantRecord
from atrium.identity.permissions import ADMIN
from atrium.runtime import rfc3339
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

ACTOR = "operator"


def admin(uid: str) -> bool:
    """Make the user an administrator. Return True if the role was newly granted.

    Raises user_table.TableUnavailableError.
    """
    return retry_on_conflict(lambda: _admin(uid))


def _admin(uid: str) -> bool:
    meta = user_table.meta(uid)
    if any(map(admins.is_permanent, grants.everywhere(uid))):
        return False
    grant = str(uuid7())
    trail = audit.event(ACTOR, "role.granted", {"role": ADMIN, "grant": grant}, uid)
    try:
        user_table.transact([*_grant(uid, grant), _epoch(uid, meta), admins.joining(uid), trail])
    except TransactionCanceledError as refused:  # META has changed, so the roles may have, too
        raise ContentionError(
            f"{uid}: another transaction changed this user's rights."
        ) from refused
    return True


def _grant(uid: str, grant: str) -> list[dict[str, Any]]:
    """Return the grant's items of a transaction. They replace a grant of the role that expires."""
    made = GrantRecord(
        id=grant,
        uid=uid,
        role=ADMIN,
        action=None,
        scope=EVERYWHERE,
        reason=None,
        granted_by=ACTOR,
        granted_at=rfc3339.now(),
        expires_at=None,
    )
    return grants.puts(made, replacing=grants.same(made))


def _epoch(uid: str, meta: user_table.Meta | None) -> dict[str, Any]:
    """Return META's update, which also guards against concurrent changes.

    Every other change of a role or status writes META, too.
    """
    if meta is None:
        user_table.create_meta(uid)
    update = {
        "Key": user_table.meta_key(uid),
        "UpdateExpression": user_table.RAISE_EPOCH,
        "ConditionExpression": "version = :version AND #status = :active",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            **user_table.ONE,
            ":version": {"N": str(meta.version if meta else 1)},
            ":active": {"S": "active"},
        },
    }
    return {"Update": update}
