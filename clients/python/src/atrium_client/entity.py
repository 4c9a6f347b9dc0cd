"""Entity tags of what the client has read."""

from collections.abc import Mapping
from typing import Any


class Entity(dict[str, Any]):
    """An object of the API with the entity tag under which it was read."""

    def __init__(self, content: Mapping[str, Any], etag: str | None) -> None:
        super().__init__(content)
        self.etag = etag


type IfMatch = Mapping[str, Any] | str
"""An object that was read, its entity tag, or `*` for any version."""


def etag_of(read: IfMatch) -> str:
    """Return the value for `If-Match`. Raise ValueError for an object that has no entity tag."""
    if isinstance(read, str):
        return read
    if isinstance(read, Entity) and read.etag:
        return read.etag
    raise ValueError("This object has no entity tag: read it by its own address.")
