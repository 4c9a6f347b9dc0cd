"""The subset of JSON Schema draft 7 that describes values. Schemas are checked when written.

The check rejects, with the place of each fault: keywords that are not listed here, arguments that
draft 7 does not allow, patterns that are not linear (access.patterns), and schemas above the limits
below. `$ref` is not listed, so nothing is ever fetched, and a misspelt keyword is an error.
"""

import functools
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any

import msgspec

from access import automaton
from access.patterns import PatternError
from access.schema_evaluation import Evaluation, TooManyStepsError
from access.schema_formats import FORMATS
from atrium.http.json_values import child
from atrium.http.problem import MAX_ERRORS, FieldError

MAX_BYTES = 16 * 1024
MAX_DEPTH = 20
"""The maximum depth of nested schemas."""
MAX_SCHEMAS = 500
MAX_MEMBERS = 200
"""Properties or alternatives of one schema; entries of `enum`, `required` and `examples`."""
MAX_SYMBOLS = 2000
"""The maximum for all patterns of a schema together."""

TYPES = ("array", "boolean", "integer", "null", "number", "object", "string")


def faults(schema: object, pointer: str) -> list[FieldError]:
    """Return why the schema is rejected. `pointer` is its place in the body."""
    if len(msgspec.json.encode(schema)) > MAX_BYTES:
        return [FieldError(pointer, f"Must have at most {MAX_BYTES} bytes")]
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return [
            FieldError(pointer, "Must have the type `object`; its properties are the attributes")
        ]
    definition = _Definition()
    return list(islice(definition.faults(schema, pointer, 1), MAX_ERRORS)) or definition.excess(
        pointer
    )


def violations(
    schema: Mapping[str, Any], values: Mapping[str, Any], pointer: str, evaluation: Evaluation
) -> list[FieldError]:
    """Return the rules that the values violate. Too many steps are an error, too."""
    if is_unusable(schema):
        return [
            FieldError(
                pointer,
                "The namespace's schema is no longer supported; ask an administrator to replace it",
            )
        ]
    try:
        return list(islice(evaluation.errors(schema, values, pointer), MAX_ERRORS))
    except TooManyStepsError:
        detail = "Validation against the namespace's schema takes too many steps; shorten or delete values"
        return [FieldError(pointer, detail)]


def is_unusable(schema: Mapping[str, Any]) -> bool:
    """Return True for a stored schema that would be rejected today."""
    return _is_refused(msgspec.json.encode(schema))


@functools.lru_cache(maxsize=128)
def _is_refused(schema: bytes) -> bool:
    return bool(faults(msgspec.json.decode(schema), ""))


class _Definition:
    """The check of one schema, which counts the totals of its parts."""

    def __init__(self) -> None:
        self.schemas = 0
        self.symbols = 0

    def faults(self, schema: object, pointer: str, depth: int) -> Iterator[FieldError]:
        self.schemas += 1
        if isinstance(schema, bool):
            return
        if not isinstance(schema, dict):
            yield FieldError(pointer, "Must be a schema")
        elif depth > MAX_DEPTH:
            yield FieldError(pointer, f"Must nest at most {MAX_DEPTH} levels deep")
        else:
            for keyword, argument in schema.items():
                yield from self._faults_of_keyword(
                    keyword, argument, child(pointer, keyword), depth
                )

    def _faults_of_keyword(
        self, keyword: str, argument: Any, pointer: str, depth: int
    ) -> Iterator[FieldError]:
        if check := _ARGUMENTS.get(keyword):
            if detail := check(argument):
                yield FieldError(pointer, detail)
        elif keyword == "pattern":
            yield from self._faults_of_pattern(argument, pointer)
        elif parts := _PARTS.get(keyword):
            found = parts(argument)
            if isinstance(found, str):
                yield FieldError(pointer, found)
            else:
                for place, each in found.items():
                    yield from self.faults(each, f"{pointer}{place}", depth + 1)
        else:
            yield FieldError(pointer, "This keyword is not supported")

    def _faults_of_pattern(self, pattern: Any, pointer: str) -> Iterator[FieldError]:
        if not isinstance(pattern, str):
            yield FieldError(pointer, "Must be text")
            return
        if self.symbols > MAX_SYMBOLS:
            return  # reported by `excess`
        try:
            self.symbols += len(automaton.automaton(pattern).symbols)
        except PatternError as error:
            yield FieldError(pointer, str(error))

    def excess(self, pointer: str) -> list[FieldError]:
        if self.schemas > MAX_SCHEMAS:
            return [
                FieldError(
                    pointer,
                    f"Must have at most {MAX_SCHEMAS} subschemas; it has {self.schemas}",
                )
            ]
        if self.symbols > MAX_SYMBOLS:
            detail = f"The schema's patterns must have at most {MAX_SYMBOLS} symbols in total with repeats expanded"
            return [FieldError(pointer, detail)]
        return []


def _parts_by_name(argument: Any) -> dict[str, Any] | str:
    if not isinstance(argument, dict):
        return "Must be an object of schemas"
    if len(argument) > MAX_MEMBERS:
        return f"Must have at most {MAX_MEMBERS} members"
    return {child("", name): each for name, each in argument.items()}


def _parts_in_array(argument: Any) -> dict[str, Any] | str:
    if not isinstance(argument, list) or not 1 <= len(argument) <= MAX_MEMBERS:
        return f"Must be an array of 1 to {MAX_MEMBERS} schemas"
    return {f"/{index}": each for index, each in enumerate(argument)}


def _one_part(argument: Any) -> dict[str, Any] | str:
    return {"": argument}


_PARTS: Mapping[str, Callable[[Any], dict[str, Any] | str]] = {
    "additionalProperties": _one_part,
    "allOf": _parts_in_array,
    "anyOf": _parts_in_array,
    "items": _one_part,
    "not": _one_part,
    "oneOf": _parts_in_array,
    "properties": _parts_by_name,
}
"""The functions of keywords that contain schemas.

Each returns these schemas by their place, or the reason why the argument is rejected.
"""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _number(argument: object) -> str | None:
    return None if _is_number(argument) else "Must be a number"


def _positive(argument: Any) -> str | None:
    return None if _is_number(argument) and argument > 0 else "Must be a number above 0"


def _count(argument: Any) -> str | None:
    is_count = _is_number(argument) and argument >= 0 and argument == int(argument)
    return None if is_count else "Must be a whole number of at least 0"


def _text(argument: object) -> str | None:
    return None if isinstance(argument, str) else "Must be text"


def _flag(argument: object) -> str | None:
    return None if isinstance(argument, bool) else "Must be true or false"


def _anything(_argument: object) -> None:
    return None


def _members(argument: object) -> str | None:
    is_array = isinstance(argument, list) and 1 <= len(argument) <= MAX_MEMBERS
    return None if is_array else f"Must be an array of 1 to {MAX_MEMBERS} values"


def _names(argument: Any) -> str | None:
    is_array = isinstance(argument, list) and len(argument) <= MAX_MEMBERS
    if (
        is_array
        and all(isinstance(each, str) for each in argument)
        and len(set(argument)) == len(argument)
    ):
        return None
    return f"Must be an array of up to {MAX_MEMBERS} names, each once"


def _format(argument: object) -> str | None:
    return (
        None
        if isinstance(argument, str) and argument in FORMATS
        else f"Must be one of {', '.join(FORMATS)}"
    )


def _type(argument: Any) -> str | None:
    found = argument if isinstance(argument, list) else [argument]
    if (
        found
        and all(isinstance(each, str) and each in TYPES for each in found)
        and len(set(found)) == len(found)
    ):
        return None
    return f"Must be one of {', '.join(TYPES)}, or an array of some of them, each once"


_ARGUMENTS: Mapping[str, Callable[[Any], str | None]] = {
    "$comment": _text,
    "const": _anything,
    "default": _anything,
    "description": _text,
    "enum": _members,
    "examples": _members,
    "exclusiveMaximum": _number,
    "exclusiveMinimum": _number,
    "format": _format,
    "maxItems": _count,
    "maxLength": _count,
    "maxProperties": _count,
    "maximum": _number,
    "minItems": _count,
    "minLength": _count,
    "minProperties": _count,
    "minimum": _number,
    "multipleOf": _positive,
    "required": _names,
    "title": _text,
    "type": _type,
    "uniqueItems": _flag,
}
"""The functions of all other keywords except `pattern`; each returns what is wrong with the
argument.
"""
