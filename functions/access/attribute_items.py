"""A user's attributes in the table, with one version for all.

    U#<uid>  META                      {attributes_version, …}
    U#<uid>  ATTR#<namespace>#<name>   {value, encoding, version, trust}

Every change increments `attributes_version`, on the condition that it has not changed since the
read. So several values change together or not at all, and no update is lost.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from atrium.http.request import Request
from atrium.identity.namespaces import Namespaces
from atrium.stores import attribute_value, audit, user_table
from atrium.stores.attribute_value import UNREADABLE
from atrium.stores.user_table import NOT_DELETED, ContentionError, TransactionCanceledError

_ALL = ("ATTR#", "META")


class Attribute(msgspec.Struct, frozen=True):
    """An attribute. `value` is UNREADABLE if the stored one cannot be decoded.

    `trust` is the namespace's at the time of writing: `Namespace.trust`.
    """

    namespace: str
    name: str
    value: Any
    version: int
    trust: str | None = None

    def shown(self) -> dict[str, Any]:
        """Return the attribute as the API shows it."""
        fields = msgspec.structs.asdict(self)
        del fields["trust"]
        return fields


Key = tuple[str, str]
"""Namespace and name."""

Values = Mapping[str, Mapping[str, Any]]
"""Namespace → name → value."""

Changes = Mapping[Key, Attribute | None]
"""Changes by namespace and name: the new attribute, or None for a deleted one."""


class Record(msgspec.Struct, frozen=True):
    """The attributes of a user, their version, and the user's access epoch when they were read."""

    version: int
    attributes: Mapping[Key, Attribute]
    access_epoch: int

    def values(self) -> dict[str, dict[str, Any]]:
        """Return namespace → name → value, UNREADABLE ones included."""
        found: dict[str, dict[str, Any]] = {}
        for each in self.attributes.values():
            found.setdefault(each.namespace, {})[each.name] = each.value
        return found

    def value(self, key: Key) -> Any:
        """Return the value, or None if there is none."""
        found = self.attributes.get(key)
        return found.value if found else None

    def changed(self, changes: Changes) -> dict[Key, Attribute]:
        """Return the attributes after the changes."""
        kept = {key: each for key, each in self.attributes.items() if key not in changes}
        return kept | {key: each for key, each in changes.items() if each is not None}


def readable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a namespace without UNREADABLE ones."""
    return {name: value for name, value in values.items() if value is not UNREADABLE}


def read(uid: str) -> Record | None:
    """Return the user's attributes, or None if the user is unknown or deleted.

    One Query. Raises `TableUnavailableError`.
    """
    version, epoch, attributes = None, 0, dict[Key, Attribute]()
    for item in user_table.query(f"U#{uid}", between=_ALL):
        if item["sk"] == "META":
            version = item.get("attributes_version", 0) if item["status"] in NOT_DELETED else None
            epoch = item["access_epoch"]
        elif item["sk"].startswith("ATTR#"):
            namespace, _, name = item["sk"].removeprefix("ATTR#").partition("#")
            value = attribute_value.of_item(item)
            attributes[namespace, name] = Attribute(
                namespace, name, value, item.get("version", 1), item.get("trust")
            )
    return None if version is None else Record(version, attributes, epoch)


def write(
    request: Request, uid: str, record: Record, changed: Changes, known: Namespaces
) -> Record:
    """Write the result of `changes`.

    Raise ContentionError if the attributes are no longer `record`, or the user's rights have
    changed.
    """
    if not changed:
        return record
    touched = sorted({namespace for namespace, _ in changed})
    renews = any(known[namespace].in_token for namespace in touched if namespace in known)
    fields = sorted(f"{namespace}.{name}" for namespace, name in changed)
    items = [
        _next(uid, record, renews=renews),
        *(_item(uid, key, each) for key, each in changed.items()),
        audit.entry(request, "attributes.changed", {"fields": fields}, uid),
    ]
    try:
        user_table.transact(items)
    except TransactionCanceledError as refused:
        raise ContentionError(
            f"{uid}: another transaction changed this user's attributes."
        ) from refused
    return Record(record.version + 1, record.changed(changed), record.access_epoch + renews)


def changes(record: Record, after: Values, replaced: Collection[Key], known: Namespaces) -> Changes:
    """Return the changes that lead from `record` to the values `after`.

    The request sends the values `replaced` as a whole. They get the namespace's current `trust`,
    even if the value is the same. Other values keep their `trust`, because parts of them were
    written before.
    """
    gone = {key: None for key in record.attributes if key[1] not in after.get(key[0], {})}
    return gone | dict(_written(record, after, replaced, known))


def _written(
    record: Record, after: Values, replaced: Collection[Key], known: Namespaces
) -> Iterator[tuple[Key, Attribute]]:
    for namespace, values in after.items():
        current = known[namespace].trust if namespace in known else None
        for name, value in values.items():
            before = record.attributes.get((namespace, name))
            is_whole = before is None or (namespace, name) in replaced
            trust = current if before is None or is_whole else before.trust
            if before and before.trust == trust and _same(before.value, value):
                continue
            version = before.version + 1 if before else 1
            yield (namespace, name), Attribute(namespace, name, value, version, trust)


def _same(one: object, other: object) -> bool:
    """Compare as JSON does: for Python 1, 1.0 and true are equal."""
    if one is UNREADABLE or other is UNREADABLE:
        return one is other
    encoded, also = (msgspec.json.encode(value, order="deterministic") for value in (one, other))
    return encoded == also


def _next(uid: str, record: Record, *, renews: bool) -> dict[str, Any]:
    """Return META's update, which fails if the user's status or rights have changed meanwhile.

    It makes tokens stale if a token contains one of the changed values.
    """
    is_first = record.version == 0
    values = {":one": {"N": "1"}, ":active": {"S": "active"}, ":disabled": {"S": "disabled"}}
    values[":epoch"] = {"N": str(record.access_epoch)}
    values |= {} if is_first else {":version": {"N": str(record.version)}}
    unchanged = (
        "attribute_not_exists(attributes_version)" if is_first else "attributes_version = :version"
    )
    raised = f"{user_table.RAISE_EPOCH}, " if renews else "ADD "
    return {
        "Update": {
            "Key": user_table.meta_key(uid),
            "UpdateExpression": f"{raised}attributes_version :one",
            "ConditionExpression": "#status IN (:active, :disabled) AND access_epoch = :epoch "
            f"AND {unchanged}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": values,
        }
    }


def _item(uid: str, key: Key, attribute: Attribute | None) -> dict[str, Any]:
    at = {"pk": {"S": f"U#{uid}"}, "sk": {"S": "ATTR#" + "#".join(key)}}
    if attribute is None:
        return {"Delete": {"Key": at}}
    return {
        "Put": {
            "Item": at
            | attribute_value.fields(attribute.value)
            | {"version": {"N": str(attribute.version)}}
            | ({"trust": {"S": attribute.trust}} if attribute.trust else {})
        }
    }
