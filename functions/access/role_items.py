"""The items of a role in the table, and the parts of transactions that change them.

    R#<role>  META               {version, generation, created, description, parents, assignable_by}
    R#<role>  PERM#<permission>  {permission}
    R#<role>  COND#<permission>  {permission, condition}: a permission under a condition, JSON text
    R#<role>  DELETED            {version}: the last version of a deleted role

A role that is created again starts with the next version, which is also its `generation`. A grant
names its role's generation, so a grant of the deleted role stays void. `created` is a UUIDv7 of
that moment, so an invitation from before gives nothing of the new role.
"""

from typing import Any

import msgspec

from atrium.identity.permissions import ADMIN
from atrium.runtime.uuid7 import uuid7
from atrium.stores import user_table

_DELETED = "DELETED"

TransactionItem = dict[str, Any]


class Summary(msgspec.Struct):
    role: str
    description: str
    parents: list[str]


class ConditionalPermission(msgspec.Struct, frozen=True):
    """A permission that counts only in decisions for which the condition is true."""

    permission: str
    condition: dict[str, Any]


class Role(Summary):
    permissions: list[str]
    version: int
    assignable_by: list[str] = msgspec.field(default_factory=list)
    conditional_permissions: list[ConditionalPermission] = msgspec.field(default_factory=list)


BUILT_IN = Role(ADMIN, "The built-in role that holds every permission.", [], [], 1)


def find(name: str) -> Role | None:
    if name == ADMIN:
        return BUILT_IN
    items = list(user_table.query(f"R#{name}"))
    meta = next((item for item in items if item["sk"] == "META"), None)
    if meta is None:
        return None
    definition = user_table.defined(items)
    return Role(
        name,
        meta["description"],
        sorted(definition.parents),
        sorted(definition.permissions),
        meta["version"],
        meta.get("assignable_by", []),
        [
            ConditionalPermission(permission, msgspec.json.decode(condition))
            for permission, condition in sorted(definition.conditional.items())
        ],
    )


def next_version(name: str, before: Role | None) -> int:
    """Return the version after that of the role, or of a deleted role of this name."""
    if before:
        return before.version + 1
    deleted = user_table.item(f"R#{name}", _DELETED)
    return deleted["version"] + 1 if deleted else 1


def writes(after: Role, before: Role | None) -> list[TransactionItem]:
    """Return the items that create the role, or change it if it still has the version `before`.

    A release from before conditions leaves the `COND#` items of a role that it deletes. They must
    not become permissions of a new role of that name.
    """
    held = _permissions(before) if before else _left_conditions(after.role)
    wanted = _permissions(after)
    return [
        _change(after, before) if before else _create(after),
        *(
            {"Put": {"Item": _at(after.role, sk)["Key"] | fields}}
            for sk, fields in wanted.items()
            if held.get(sk) != fields
        ),
        *({"Delete": _at(after.role, sk)} for sk in held if sk not in wanted),
    ]


def deletes(role: Role) -> list[TransactionItem]:
    """Return the items that delete the role if it still has this version."""
    condition = {
        "ConditionExpression": "version = :version",
        "ExpressionAttributeValues": {":version": {"N": str(role.version)}},
    }
    tombstone = _at(role.role, _DELETED)["Key"] | {"version": {"N": str(role.version)}}
    return [
        {"Delete": _at(role.role, "META") | condition},
        *({"Delete": _at(role.role, sk)} for sk in _permissions(role)),
        {"Put": {"Item": tombstone}},
    ]


def _create(role: Role) -> TransactionItem:
    generation = (
        {"generation": {"N": str(role.version)}, "created": {"S": str(uuid7())}}
        if role.version > 1
        else {}
    )
    item = _at(role.role, "META")["Key"] | _fields(role) | generation
    return {"Put": {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}}


def _change(after: Role, before: Role) -> TransactionItem:
    fields = _fields(after)
    values = {f":{name}": value for name, value in fields.items()}
    update = {
        "UpdateExpression": f"SET {', '.join(f'{name} = :{name}' for name in fields)}",
        "ConditionExpression": "version = :before",
        "ExpressionAttributeValues": values | {":before": {"N": str(before.version)}},
    }
    return {"Update": _at(after.role, "META") | update}


def _fields(role: Role) -> dict[str, Any]:
    return {
        "version": {"N": str(role.version)},
        "description": {"S": role.description},
        "parents": {"L": [{"S": parent} for parent in role.parents]},
        "assignable_by": {"L": [{"S": name} for name in role.assignable_by]},
        "gsi1pk": {"S": "ROLES"},
        "gsi1sk": {"S": role.role},
    }


def _permissions(role: Role) -> dict[str, dict[str, Any]]:
    """Return the attributes of the items of the permissions, by their sort keys."""
    return {f"PERM#{each}": {"permission": {"S": each}} for each in role.permissions} | {
        f"COND#{each.permission}": {
            "permission": {"S": each.permission},
            "condition": {"S": msgspec.json.encode(each.condition).decode()},
        }
        for each in role.conditional_permissions
    }


def _left_conditions(name: str) -> dict[str, dict[str, Any]]:
    return {item["sk"]: {} for item in user_table.query(f"R#{name}", prefix="COND#")}


def _at(name: str, sk: str) -> dict[str, Any]:
    return {"Key": {"pk": {"S": f"R#{name}"}, "sk": {"S": sk}}}
