"""A user's attributes in the table, covered by one version.

    U#<uid>  META                      {attributes_version, …}
    U#<uid>  ATTR#<namespace>#<name>   {value, encoding, version}

Every change raises `attributes_version` on condition that it is what was read. So several values
change together or not at all, and updates are never lost.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from access import audit
from atrium.http.request import Request
from atrium.identity.namespaces import Namespaces
from atrium.stores import attribute_value, user_attributes
from atrium.stores.attribute_value import UNREADABLE
from atrium.stores.user_attributes import LIVING, Contended, TransactionRefused

_ALL = ("ATTR#", "META")


class Attribute(msgspec.Struct, frozen=True):
    """An attribute. `value` is UNREADABLE if the stored one cannot be decoded."""

    namespace: str
    name: str
    value: Any
    version: int


Values = Mapping[str, Mapping[str, Any]]
"""Namespace → name → value."""

Changes = Mapping[tuple[str, str], Attribute | None]
"""By namespace and name: the new attribute, or None for a deleted one."""


class Record(msgspec.Struct, frozen=True):
    version: int
    attributes: Mapping[tuple[str, str], Attribute]

    def values(self) -> dict[str, dict[str, Any]]:
        """Return namespace → name → value, UNREADABLE ones included."""
        found: dict[str, dict[str, Any]] = {}
        for each in self.attributes.values():
            found.setdefault(each.namespace, {})[each.name] = each.value
        return found


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a namespace without UNREADABLE ones."""
    return {name: value for name, value in values.items() if value is not UNREADABLE}


def read(uid: str) -> Record | None:
    """Return the user's attributes, or None if the user is unknown or deleted.

    One Query. Raises `Unavailable`.
    """
    version, attributes = None, dict[tuple[str, str], Attribute]()
    for item in user_attributes.query(f"U#{uid}", between=_ALL):
        if item["sk"] == "META":
            version = item.get("attributes_version", 0) if item["status"] in LIVING else None
        elif item["sk"].startswith("ATTR#"):
            namespace, _, name = item["sk"].removeprefix("ATTR#").partition("#")
            value = attribute_value.of_item(item)
            attributes[namespace, name] = Attribute(namespace, name, value, item.get("version", 1))
    return None if version is None else Record(version, attributes)


def write(
    request: Request, uid: str, record: Record, changed: Changes, known: Namespaces
) -> Record:
    """Write the result of `changes`. Raise Contended if the attributes are no longer `record`."""
    if not changed:
        return record
    attributes = {key: each for key, each in record.attributes.items() if key not in changed}
    attributes |= {key: each for key, each in changed.items() if each is not None}
    touched = sorted({namespace for namespace, _ in changed})
    renews = any(known[namespace].in_token for namespace in touched if namespace in known)
    fields = sorted(f"{namespace}.{name}" for namespace, name in changed)
    items = [
        _next(uid, record, renews=renews),
        *(_item(uid, key, each) for key, each in changed.items()),
        audit.entry(request, "attributes.changed", {"fields": fields}, uid),
    ]
    try:
        user_attributes.transact(items)
    except TransactionRefused as refused:
        raise Contended(f"{uid}: another transaction changed this user's attributes.") from refused
    return Record(record.version + 1, attributes)


def changes(record: Record, after: Values) -> Changes:
    """Return the changes that lead from `record` to the values `after`."""
    return dict(_changes(record, after))


def _changes(record: Record, after: Values) -> Iterator[tuple[tuple[str, str], Attribute | None]]:
    for key in record.attributes:
        if key[1] not in after.get(key[0], {}):
            yield key, None
    for namespace, values in after.items():
        for name, value in values.items():
            before = record.attributes.get((namespace, name))
            if before is None or not _same(before.value, value):
                version = before.version + 1 if before else 1
                yield (namespace, name), Attribute(namespace, name, value, version)


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: for Python 1, 1.0 and true are equal."""
    if one is UNREADABLE or other is UNREADABLE:
        return one is other
    encoded, also = (msgspec.json.encode(value, order="deterministic") for value in (one, other))
    return encoded == also


def _next(uid: str, record: Record, *, renews: bool) -> dict[str, Any]:
    """Return META's update, which fails if the user has been deleted meanwhile.

    It makes tokens stale if a token contains one of the changed values.
    """
    is_first = record.version == 0
    values = {":one": {"N": "1"}, ":active": {"S": "active"}, ":disabled": {"S": "disabled"}}
    values |= {} if is_first else {":version": {"N": str(record.version)}}
    unchanged = (
        "attribute_not_exists(attributes_version)" if is_first else "attributes_version = :version"
    )
    return {
        "Update": {
            "Key": {"pk": {"S": f"U#{uid}"}, "sk": {"S": "META"}},
            "UpdateExpression": "ADD attributes_version :one"
            + (", access_epoch :one, version :one" if renews else ""),
            "ConditionExpression": f"#status IN (:active, :disabled) AND {unchanged}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": values,
        }
    }


def _item(uid: str, key: tuple[str, str], attribute: Attribute | None) -> dict[str, Any]:
    at = {"pk": {"S": f"U#{uid}"}, "sk": {"S": "ATTR#" + "#".join(key)}}
    if attribute is None:
        return {"Delete": {"Key": at}}
    return {
        "Put": {
            "Item": at
            | attribute_value.fields(attribute.value)
            | {"version": {"N": str(attribute.version)}}
        }
    }
