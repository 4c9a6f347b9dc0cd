"""Limits for a user's attributes.

A value that already exceeds a limit may shrink but not grow.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from access.attribute_items import Attribute, Changes, Record, Values, readable
from atrium.http.problem import FieldError
from atrium.identity import token_size
from atrium.identity.namespaces import Namespaces

MAX_CHANGES = 90
"""The maximum number of values in one change. A DynamoDB transaction has 100 items."""

MAX_VALUE_BYTES = 8 * 1024

MAX_RECORD_BYTES = 512 * 1024
"""The total size of a user's values. Every sign-in reads them in one page of a Query (1 MB)."""


def errors(
    record: Record, after: Values, changes: Changes, known: Namespaces, pointer: str
) -> list[FieldError]:
    """Return why `changes` exceed the limits. `after` are the values after them."""
    return [FieldError(pointer, detail) for detail in _details(record, after, changes, known)]


def _details(record: Record, after: Values, changes: Changes, known: Namespaces) -> Iterator[str]:
    if len(changes) > MAX_CHANGES:
        yield f"At most {MAX_CHANGES} values can change at once; split the change"
    if size(after) > max(MAX_RECORD_BYTES, size(record.values())):
        yield f"The user's attributes would exceed {MAX_RECORD_BYTES} bytes in total; delete some first"
    in_token = size_in_token(record.changed(changes).values(), known)
    before = size_in_token(record.attributes.values(), known)
    if in_token > max(token_size.MAX_ATTRIBUTES, before):
        limit = token_size.MAX_ATTRIBUTES
        yield (
            f"The attributes in the user's token would have {in_token} bytes, "
            f"and the maximum is {limit}; shorten or delete some"
        )


def size(value: object) -> int:
    """Return the length of a value as JSON, in bytes."""
    return len(msgspec.json.encode(value))


def size_in_token(attributes: Iterable[Attribute], known: Namespaces) -> int:
    in_token = dict[str, dict[str, Any]]()
    for each in attributes:
        if each.namespace in known and known[each.namespace].is_in_token(each.trust):
            in_token.setdefault(each.namespace, {})[each.name] = each.value
    return token_size.of_attributes({name: readable(values) for name, values in in_token.items()})
