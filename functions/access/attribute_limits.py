"""Limits for a user's attributes. A value above a limit may shrink, but not grow."""

from collections.abc import Iterator

import msgspec

from access.attribute_items import Changes, Values, readable
from atrium.http.problem import FieldError
from atrium.identity import token_size
from atrium.identity.namespaces import Namespaces

MAX_CHANGES = 90
"""Values of one change: a transaction has 100 items."""

MAX_VALUE_BYTES = 8 * 1024

MAX_RECORD_BYTES = 512 * 1024
"""The total size of a user's values. Every sign-in reads them in one page of a Query (1 MB)."""


def errors(
    before: Values, after: Values, changes: Changes, known: Namespaces, pointer: str
) -> list[FieldError]:
    """Return why `changes` exceed the limits."""
    return [FieldError(pointer, detail) for detail in _details(before, after, changes, known)]


def _details(before: Values, after: Values, changes: Changes, known: Namespaces) -> Iterator[str]:
    if len(changes) > MAX_CHANGES:
        yield f"At most {MAX_CHANGES} values can change at once; split the change"
    if size(after) > max(MAX_RECORD_BYTES, size(before)):
        yield f"The user's attributes would exceed {MAX_RECORD_BYTES} bytes in total; delete some first"
    in_token = size_in_token(after, known)
    if in_token > max(token_size.MAX_ATTRIBUTES, size_in_token(before, known)):
        limit = token_size.MAX_ATTRIBUTES
        yield (
            f"The attributes in the user's token would have {in_token} bytes, "
            f"and the maximum is {limit}; shorten or delete some"
        )


def size(value: object) -> int:
    """Return the length of a value as JSON, in bytes."""
    return len(msgspec.json.encode(value))


def size_in_token(values: Values, known: Namespaces) -> int:
    in_token = {
        name: readable(members)
        for name, members in values.items()
        if name in known and known[name].in_token
    }
    return token_size.of_attributes(in_token)
