"""Validation of a change of attributes against the schemas of their namespaces.

A change is rejected for invalid values that it writes, and for rules that it breaks. Stored values
that it does not change may break the schema: an earlier schema may have allowed them. Any value can
be deleted unless its namespace requires it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from access import attribute_limits, json_schema
from access.attribute_items import Changes, Record, Values, readable
from access.attribute_limits import MAX_VALUE_BYTES
from access.names import is_name
from access.schema_evaluation import Evaluation
from atrium.http.json_values import child
from atrium.http.problem import FieldError
from atrium.identity.namespaces import Namespace, Namespaces
from atrium.stores.attribute_value import UNREADABLE


def errors(
    record: Record,
    after: Values,
    changes: Changes,
    known: Namespaces,
    pointer: str,
    only: str | None,
) -> list[FieldError]:
    """Return why the change is rejected.

    `pointer` is the place of the values in the body: of all namespaces, or of one value in the
    namespace `only`.
    """
    found, evaluation = list[FieldError](), Evaluation()
    for name in sorted(_touched(record, changes) & known.keys()):
        where = pointer if only else child(pointer, name)
        written = {key[1]: each.value for key, each in changes.items() if key[0] == name and each}
        before, values = (readable(all_.get(name, {})) for all_ in (record.values(), after))
        found += _of_values(written, where) or _of_schema(
            known[name], before, values, written, where, evaluation
        )
    return (
        list(dict.fromkeys(FieldError(pointer, error.detail) for error in found)) if only else found
    )


def _touched(record: Record, changes: Changes) -> set[str]:
    """Return the namespaces to check. Deleting an unreadable value needs no check."""
    return {
        key[0]
        for key, each in changes.items()
        if each or record.attributes[key].value is not UNREADABLE
    }


def _of_values(written: Mapping[str, Any], where: str) -> list[FieldError]:
    return [
        FieldError(child(where, name), detail)
        for name, value in written.items()
        if (detail := _fault(name, value))
    ]


def _fault(name: str, value: Any) -> str | None:
    if not is_name(name):
        return (
            "The name must begin with a lower-case letter and have at most 64 lower-case letters, "
            "digits and `_`"
        )
    return (
        f"Must have at most {MAX_VALUE_BYTES} bytes"
        if attribute_limits.size(value) > MAX_VALUE_BYTES
        else None
    )


def _of_schema(
    namespace: Namespace,
    before: Mapping[str, Any],
    values: Mapping[str, Any],
    written: Mapping[str, Any],
    where: str,
    evaluation: Evaluation,
) -> Iterator[FieldError]:
    unchanged = tuple(child(where, name) for name in values.keys() - written.keys())
    found = json_schema.violations(namespace.schema, values, where, evaluation)
    known = [] if written else json_schema.violations(namespace.schema, before, where, Evaluation())
    for error in found:
        is_old = error.pointer in unchanged or error.pointer.startswith(
            tuple(f"{place}/" for place in unchanged)
        )
        if not is_old and error not in known:
            yield error
