"""Namespaces of user attributes: what each is for. `access` writes them; whoever shows attributes asks here which.

NAMESPACES  <namespace>  {description, schema (JSON text), visible_to, writable_by, personal, in_token, set_by, version}
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import msgspec

from atrium.runtime import clock, log
from atrium.runtime.clock import Moment
from atrium.stores import user_attributes

CACHE_SECONDS = 30
PK = "NAMESPACES"


class Namespace(msgspec.Struct, frozen=True):
    """`schema` is a JSON Schema for the values of one user, as an object by name.

    `visible_to` and `writable_by` name those who may beside the holders of `access.read` and `access.write`: the user, or
    nobody. `set_by` are roles whose holders may set the values of others.
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

    @property
    def is_trusted(self) -> bool:
        """Other programs decide by the values. So only holders of `set_by` and administrators set them."""
        return self.in_token


Namespaces = Mapping[str, Namespace]
Attributes = Mapping[str, Mapping[str, Any]]
"""Namespace → name → value."""

_cache: dict[str, tuple[Moment, Namespaces]] = {}


def known(names: Iterable[str]) -> Namespaces:
    """By name, as they were at most CACHE_SECONDS ago; as they are, should one of `names` have been missing then.

    Raises user_attributes.Unavailable.
    """
    read_at, found = _cache.get(PK, (clock.NEVER, {}))
    if clock.since(read_at) >= CACHE_SECONDS or any(name not in found for name in names):
        asked_at, found = clock.now(), read()
        _cache[PK] = (asked_at, found)
    return found


def read() -> Namespaces:
    """As they are. One call per megabyte."""
    return {item["sk"]: of_item(item) for item in user_attributes.query(PK)}


def of_item(item: Mapping[str, Any]) -> Namespace:
    """Return the namespace; one that cannot be read is logged and closed: hidden from users, and in no token. An
    administrator can still replace or delete it."""
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
    """Of a user's attributes those that they may see themselves."""
    return _those(attributes, lambda namespace: namespace.visible_to == "self")


def in_token(attributes: Attributes) -> dict[str, Mapping[str, Any]]:
    return _those(attributes, lambda namespace: namespace.in_token)


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
