"""Registration: META, the grants and their audit events, in one transaction.

A role that is no longer declared is revoked if an operator granted it by an earlier declaration.
Grants that administrators made through the API stay.
"""

from collections.abc import Collection
from typing import Any

from atrium.identity import grant_items, grants
from atrium.identity.grant_items import EVERYWHERE, GrantRecord, Item
from atrium.runtime import rfc3339
from atrium.runtime.uuid7 import uuid7
from atrium.stores import audit, user_table
from atrium.stores.contention import retry_on_conflict
from atrium.stores.user_table import ContentionError, TransactionCanceledError

OPERATOR = "operator"


class RoleNotFoundError(Exception):
    """A declared role does not exist."""


def register(uid: str, roles: Collection[str], status: str) -> tuple[list[str], list[str]]:
    """Return the roles that were granted and revoked. A repeat changes nothing.

    Raises RoleNotFoundError, user_table.TableUnavailableError.
    """
    return retry_on_conflict(lambda: _register(uid, roles, status))


def _register(uid: str, roles: Collection[str], status: str) -> tuple[list[str], list[str]]:
    meta = user_table.meta(uid)
    before = meta.status if meta else None
    held = [item for item in grants.listed(uid, None, 100) if grant_items.in_force(item)]
    records = {_declared(item): item for item in held if _declared(item)}
    lasting = {item["role"] for item in held if _is_everywhere(item) and _lasts(item)}
    # A missing role must not keep a service from being disabled.
    granted = sorted(set(roles) - lasting) if status == "active" else []
    revoked = sorted(records.keys() - set(roles))
    new = [_record(uid, role) for role in granted]
    if not (granted or revoked or before != status):
        return [], []
    work = [put for record in new for put in grants.puts(record, replacing=grants.same(record))]
    work += [delete for role in revoked for delete in grants.deletes(records[role])]
    trail = _trail(uid, granted, revoked, None if status == (before or "active") else status)
    try:
        user_table.transact([*work, _changed(uid, meta, status), *trail])
    except TransactionCanceledError as refused:
        raise ContentionError(f"{uid}: another transaction changed its rights.") from refused
    return granted, revoked


def _is_everywhere(item: Item) -> bool:
    return bool(item.get("role")) and item["scope"] == EVERYWHERE


def _lasts(item: Item) -> bool:
    """Return False for a grant with an end, or of a role that was deleted and created again."""
    role = user_table.role_definition(item["role"])
    return "expires_at" not in item and grant_items.generation_of(item) == role.generation


def _declared(item: Item) -> str:
    """Return the role if the operator made this grant, otherwise an empty string."""
    is_operators = _is_everywhere(item) and item.get("granted_by") == OPERATOR
    return str(item["role"]) if is_operators else ""


def _record(uid: str, role: str) -> GrantRecord:
    definition = user_table.role_definition(role)
    if definition.version is None:
        raise RoleNotFoundError(f"The role {role} does not exist.")
    return GrantRecord(
        id=str(uuid7()),
        uid=uid,
        role=role,
        action=None,
        scope=EVERYWHERE,
        reason="Declared in Terraform",
        granted_by=OPERATOR,
        granted_at=rfc3339.now(),
        expires_at=None,
        role_generation=definition.generation,
    )


def _trail(
    uid: str, granted: list[str], revoked: list[str], status: str | None
) -> list[dict[str, Any]]:
    """Return the audit events of the change. `status` is None if it stays."""
    changes: list[tuple[str, dict[str, str]]] = [
        *(("role.granted", {"role": role}) for role in granted),
        *(("role.revoked", {"role": role}) for role in revoked),
        *([("service.status_changed", {"status": status})] if status else []),
    ]
    return [audit.event(OPERATOR, action, changed, uid) for action, changed in changes]


def _changed(uid: str, meta: user_table.Meta | None, status: str) -> dict[str, Any]:
    """Return META's update: a new epoch ends the tokens that name the earlier rights.

    The META of a new service is created.
    """
    values = {**user_table.ONE, ":status": {"S": status}, ":now": {"S": rfc3339.now()}}
    if meta:
        values[":version"] = {"N": str(meta.version)}
    update = {
        "Key": user_table.meta_key(uid),
        "UpdateExpression": "SET #status = :status, created_at = if_not_exists(created_at, :now) "
        + user_table.RAISE_EPOCH,
        "ConditionExpression": "version = :version" if meta else "attribute_not_exists(pk)",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": values,
    }
    return {"Update": update}
