"""JSON Schema, as much of draft 7 as describes values: the rest is refused when a schema is written.

No `$ref`, so nothing is ever fetched; no keyword that we do not know, so a misspelt one does not pass for a rule.
fastjsonschema makes a function of a schema. Import 52 ms and 3 µs a value, where jsonschema takes 2.6 s and 30 µs (bench/access).
"""

import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from atrium.json_values import child
from atrium.problem import FieldError

MAX_BYTES = 16 * 1024

_VALUES = {"const", "default", "description", "enum", "examples", "title"}
_RULES = {
    "exclusiveMaximum",
    "exclusiveMinimum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "pattern",
    "required",
    "type",
    "uniqueItems",
}
_FORMATS = ("date", "date-time", "email", "time", "uri")
_ONE, _MANY, _NAMED = ("additionalProperties", "items", "not"), ("allOf", "anyOf", "oneOf"), ("properties",)


def faults(schema: object, pointer: str) -> list[FieldError]:
    """Why it is no schema for us; empty when it is one. `pointer` is where it stands in the body."""
    if len(msgspec.json.encode(schema)) > MAX_BYTES:
        return [FieldError(pointer, f"Is longer than {MAX_BYTES} bytes")]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [FieldError(pointer, "Expected a schema of the type `object`: its properties are the attributes")]
    if found := list(_faults(schema, pointer)):
        return found
    try:
        _compiled(msgspec.json.encode(schema))
    except _definition_errors() as wrong:
        return [FieldError(pointer, str(wrong))]
    return []


def violations(schema: Mapping[str, Any], values: Mapping[str, Any], pointer: str) -> list[FieldError]:
    """The first value that does not fulfil the schema, if there is one; a message for people."""
    import fastjsonschema

    try:
        _compiled(msgspec.json.encode(schema))(values)
    except fastjsonschema.JsonSchemaValueException as wrong:
        place = functools.reduce(child, wrong.path[1:], pointer)
        return [FieldError(place, wrong.message.removeprefix(wrong.name or "").strip().capitalize())]
    return []


@functools.lru_cache(maxsize=128)
def _compiled(schema: bytes) -> Any:
    import fastjsonschema  # not at the top: most requests check no value

    return fastjsonschema.compile(msgspec.json.decode(schema), use_default=False)


def _definition_errors() -> tuple[type[Exception], ...]:
    import fastjsonschema

    # `re.error` and the rest: what it says of a pattern or a number that is none.
    return (fastjsonschema.JsonSchemaDefinitionException, re.error, TypeError, ValueError, AttributeError)


def _faults(schema: object, pointer: str) -> Iterator[FieldError]:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        yield FieldError(pointer, "Expected a schema")
        return
    for keyword, value in schema.items():
        where = child(pointer, keyword)
        if keyword in _ONE:
            yield from _faults(value, where)
        elif keyword in _MANY and isinstance(value, list) and value:
            for number, each in enumerate(value):
                yield from _faults(each, f"{where}/{number}")
        elif keyword in _NAMED and isinstance(value, dict):
            for name, each in value.items():
                yield from _faults(each, child(where, name))
        elif keyword == "format" and value not in _FORMATS:
            yield FieldError(where, f"Expected one of {', '.join(_FORMATS)}")
        elif keyword not in (*_VALUES, *_RULES, "format"):
            yield FieldError(where, "This keyword is not supported here, or its value is of another kind")
