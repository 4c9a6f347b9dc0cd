"""Namespaces of user attributes. `access` writes them; all other services only read them.

NAMESPACES  <namespace>  {description, schema (JSON text), visible_to, writable_by, personal, in_token, set_by, trust, version}
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from atrium.runtime import clock, log
from atrium.runtime.clock import Moment
from atrium.stores import user_table
from atrium.stores.user_table import StoredAttribute

CACHE_SECONDS = 30
PK = "NAMESPACES"


class Namespace(msgspec.Struct, frozen=True):
    """A namespace. `schema` is a JSON Schema for one user's values, as an object by name.

    `visible_to` and `writable_by` say whether the user may, too (`self` or `nobody`): holders of
    `access.read` and `access.write` always may. Holders of a role in `set_by` may set other users'
    values.

    `trust` changes when the namespace is created and when `in_token` changes. Each value has the
    `trust` of its time, and a token contains only values of the current one: others were written
    under other rules, perhaps by the user. None equals None, for items of earlier releases.
    """

    namespace: str
    description: str
    schema: dict[str, Any]
    visible_to: Literal["self", "nobody"]
    writable_by: Literal["self", "nobody"]
    personal: bool
    in_token: bool
    version: int
    set_by: tuple[str, ...] = ()
    trust: str | None = None

    @property
    def is_trusted(self) -> bool:
        """Return True if programs decide by the values.

        Only administrators and holders of a role in `set_by` may set them.
        """
        return self.in_token

    def is_in_token(self, trust: str | None) -> bool:
        """Return True if a value that was written under `trust` belongs in a token."""
        return self.in_token and trust == self.trust


Namespaces = Mapping[str, Namespace]
Attributes = Mapping[str, Mapping[str, Any]]
"""Namespace → name → value."""

cache: dict[str, tuple[Moment, Namespaces]] = {}
"""Values that a container keeps between requests. Tests clear it."""


def known(names: Iterable[str]) -> Namespaces:
    """Return the namespaces by name, cached for CACHE_SECONDS.

    They are read again if one of `names` is missing. Raises user_table.TableUnavailableError.
    """
    read_at, found = cache.get(PK, (clock.NEVER, {}))
    if clock.since(read_at) >= CACHE_SECONDS or any(name not in found for name in names):
        asked_at, found = clock.now(), read()
        cache[PK] = (asked_at, found)
    return found


def read() -> Namespaces:
    """Return the namespaces as the table has them now. One call per megabyte."""
    return {item["sk"]: of_item(item) for item in user_table.query(PK)}


def of_item(item: Mapping[str, Any]) -> Namespace:
    """Return the namespace of an item. An unreadable one is logged and closed.

    A closed namespace is hidden from users and absent from tokens. An administrator can still
    replace or delete it.
    """
    try:
        schema = msgspec.json.decode(item["schema"])
        return msgspec.convert({**item, "namespace": item["sk"], "schema": schema}, Namespace)
    except (KeyError, TypeError, ValueError) as error:
        log.write("ERROR", "unreadable namespace", sk=item["sk"], error=log.failure(error))
        return Namespace(
            item["sk"],
            "",
            {"type": "object"},
            "nobody",
            "nobody",
            True,
            False,
            item.get("version", 1),
        )


def visible_to_user(attributes: Attributes) -> dict[str, Mapping[str, Any]]:
    """Return the attributes that the user may see."""
    return _those(attributes, lambda namespace: namespace.visible_to == "self")


def in_token(stored: Sequence[StoredAttribute]) -> dict[str, dict[str, Any]]:
    """Return the values for the token, by namespace."""
    namespaces = known({each.namespace for each in stored}) if stored else {}
    return user_table.by_namespace(
        each
        for each in stored
        if each.namespace in namespaces and namespaces[each.namespace].is_in_token(each.trust)
    )


def _those(
    attributes: Attributes, wanted: Callable[[Namespace], bool]
) -> dict[str, Mapping[str, Any]]:
    if not attributes:
        return {}
    namespaces = known(attributes)
    return {
        name: values
        for name, values in attributes.items()
        if name in namespaces and wanted(namespaces[name])
    }
