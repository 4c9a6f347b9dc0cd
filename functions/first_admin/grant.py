"""The role in the table: grant, new access epoch and the set of administrators in one transaction; its audit row first."""

from datetime import UTC, datetime
from typing import Any

from atrium import admins, postgres, user_attributes
from atrium.permissions import ADMIN
from atrium.roles import EVERYWHERE
from atrium.user_attributes import TransactionRefused, Unavailable
from atrium.uuid7 import uuid7

ACTOR = "operator"

_AUDIT = """
INSERT INTO audit_events (id, uid, actor, action, changes)
VALUES ($1::uuid, $2::uuid, $3, 'role.granted', jsonb_build_object('role', $4::text, 'grant', $5::text))
"""
_ATTEMPTS = 5


def admin(uid: str) -> bool:
    """Whether they did not have it. Raises user_attributes.Unavailable.

    The trail is written first: a grant that nobody can find in it would be worse than an entry whose grant failed.
    """
    for _ in range(_ATTEMPTS):
        items = user_attributes.collection(uid)
        if any(map(admins.is_permanent, items.roles)):
            return False
        grant = str(uuid7())
        audit(uid, grant)
        try:
            user_attributes.transact([_role(uid, grant), _epoch(uid, items.meta), admins.joining(uid)])
        except TransactionRefused:  # META has changed, so the roles may have
            continue
        return True
    raise Unavailable(f"{uid}: their rights were being changed {_ATTEMPTS} times. Run it again.")


def audit(uid: str, grant: str) -> None:
    postgres.query(_AUDIT, uuid7(), uid, ACTOR, ADMIN, grant)


def _role(uid: str, grant: str) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    attributes = {
        "pk": f"U#{uid}",
        "sk": f"ROLE#{EVERYWHERE}#{ADMIN}#{grant}",
        "role": ADMIN,
        "scope": EVERYWHERE,
        "granted_at": now,
        "granted_by": ACTOR,
        "gsi1pk": f"ROLE#{ADMIN}",
        "gsi1sk": f"U#{uid}",
    }
    return {"Put": {"Item": {name: {"S": value} for name, value in attributes.items()}}}


def _epoch(uid: str, meta: user_attributes.Meta | None) -> dict[str, Any]:
    """Also the guard: whoever else gives or takes a role, or disables them, writes META too."""
    if meta is None:
        user_attributes.create_meta(uid)
    update = {
        "Key": {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
        "UpdateExpression": "ADD access_epoch :one, version :one",
        "ConditionExpression": "version = :version AND #status = :active",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":one": {"N": "1"},
            ":version": {"N": str(meta.version if meta else 1)},
            ":active": {"S": "active"},
        },
    }
    return {"Update": update}
