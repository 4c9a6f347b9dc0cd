"""Evaluation of a value against a JSON Schema in a bounded number of steps.

A step is a keyword, a member, or a character of a text that has a `pattern`: 0.05 to 0.4 µs.
access.json_schema has accepted the schemas.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any

import msgspec

from access.automaton import Search
from access.schema_formats import FORMATS
from atrium.http.json_values import child
from atrium.http.problem import FieldError

MAX_STEPS = 100_000
"""The maximum of one request: well under 100 ms."""


class TooManyStepsError(Exception):
    """The evaluation has exceeded its maximum number of steps."""


class Evaluation:
    """The evaluations of one request, which share a budget of steps."""

    def __init__(self, steps: int = MAX_STEPS) -> None:
        self._left = steps
        self._searches: dict[str, Search] = {}
        self._members: dict[int, frozenset[Hashable]] = {}
        self.is_silent = False
        """True if messages are discarded and so need not be complete."""

    def spend(self, steps: int) -> None:
        """Count steps. Raise TooManyStepsError if the budget is exhausted."""
        self._left -= steps
        if self._left < 0:
            raise TooManyStepsError

    def errors(self, schema: Any, value: Any, pointer: str) -> Iterator[FieldError]:
        """Yield each rule that the value violates, with its place."""
        self.spend(1)
        if schema is False:
            yield FieldError(pointer, "This property is not allowed")
        if isinstance(schema, bool):
            return
        for keyword, argument in schema.items():
            self.spend(1)
            if part := _PARTS.get(keyword):
                yield from part(self, schema, value, pointer)
            elif (check := _CHECKS.get(keyword)) and (detail := check(self, argument, value)):
                yield FieldError(pointer, detail)

    def accepts(self, schema: Any, value: Any) -> bool:
        was_silent, self.is_silent = self.is_silent, True
        is_accepted = next(self.errors(schema, value, ""), None) is None
        self.is_silent = was_silent
        return is_accepted

    def key(self, value: Any) -> Hashable:
        """Return a key that is equal for equal JSON values: 1 equals 1.0, but not true."""
        self.spend(1)
        match value:
            case bool():
                return _BOOLEANS[value]
            case list():
                return tuple(self.key(each) for each in value)
            case dict():
                return frozenset((name, self.key(member)) for name, member in value.items())
        return value  # type: ignore[no-any-return]

    def finds(self, pattern: str, text: str) -> bool:
        if pattern not in self._searches:
            self._searches[pattern] = Search(pattern, self.spend)
        return self._searches[pattern].finds(text)

    def is_member(self, value: Any, members: list[Any]) -> bool:
        # Keyed by identity, because the schema lives as long as the evaluation.
        if id(members) not in self._members:
            self._members[id(members)] = frozenset(map(self.key, members))
        return self.key(value) in self._members[id(members)]


_BOOLEANS = {True: object(), False: object()}
"""A marker for booleans, because True equals 1 in Python."""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_IS_OF_TYPE: Mapping[str, Callable[[Any], bool]] = {
    "array": lambda value: isinstance(value, list),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and value == int(value),
    "null": lambda value: value is None,
    "number": _is_number,
    "object": lambda value: isinstance(value, dict),
    "string": lambda value: isinstance(value, str),
}

_Check = Callable[[Evaluation, Any, Any], str | None]
_Part = Callable[[Evaluation, Mapping[str, Any], Any, str], Iterator[FieldError]]


def _type(_: Evaluation, wanted: Any, value: Any) -> str | None:
    types = wanted if isinstance(wanted, list) else [wanted]
    is_right = any(_IS_OF_TYPE[each](value) for each in types)
    return None if is_right else f"Must be of the type {' or '.join(f'`{each}`' for each in types)}"


def _enum(evaluation: Evaluation, members: list[Any], value: Any) -> str | None:
    if evaluation.is_member(value, members):
        return None
    return f"Must be one of {_listed(evaluation, members)}"


def _const(evaluation: Evaluation, wanted: Any, value: Any) -> str | None:
    is_right = evaluation.key(value) == evaluation.key(wanted)
    return None if is_right else f"Must be {_listed(evaluation, [wanted])}"


def _listed(evaluation: Evaluation, values: Iterable[Any]) -> str:
    if evaluation.is_silent:
        return "…"
    text = ", ".join(msgspec.json.encode(each).decode() for each in values)
    return text if len(text) <= 200 else f"{text[:200]}…"


def _multiple_of(evaluation: Evaluation, unit: float, value: Any) -> str | None:
    if not _is_number(value):
        return None
    from decimal import Decimal  # exact, and rarely needed

    evaluation.spend(20)
    (above, below), (unit_above, unit_below) = (
        Decimal(repr(each)).as_integer_ratio() for each in (value, unit)
    )
    is_multiple = (above * unit_below) % (below * unit_above) == 0
    return None if is_multiple else f"Must be a multiple of {unit}"


def _pattern(evaluation: Evaluation, pattern: str, value: Any) -> str | None:
    is_right = not isinstance(value, str) or evaluation.finds(pattern, value)
    return None if is_right else f"Must match the pattern `{pattern}`"


def _format(evaluation: Evaluation, name: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    evaluation.spend(len(value))
    return None if FORMATS[name](value) else f"Must be of the format `{name}`"


def _unique_items(evaluation: Evaluation, is_wanted: bool, value: Any) -> str | None:
    if not is_wanted or not isinstance(value, list):
        return None
    is_right = len({evaluation.key(each) for each in value}) == len(value)
    return None if is_right else "Must not have duplicate items"


def _bound(is_right: Callable[[Any, Any], bool], detail: str) -> _Check:
    def check(_: Evaluation, limit: float, value: Any) -> str | None:
        return (
            None if not _is_number(value) or is_right(value, limit) else f"Must be {detail} {limit}"
        )

    return check


def _length(kind: type[Any], is_right: Callable[[int, Any], bool], detail: str) -> _Check:
    def check(_: Evaluation, limit: float, value: Any) -> str | None:
        is_long = not isinstance(value, kind) or is_right(len(value), limit)
        return None if is_long else f"Must have {detail.format(int(limit))}"

    return check


_CHECKS: Mapping[str, _Check] = {
    "const": _const,
    "enum": _enum,
    "exclusiveMaximum": _bound(lambda value, limit: value < limit, "below"),
    "exclusiveMinimum": _bound(lambda value, limit: value > limit, "above"),
    "format": _format,
    "maxItems": _length(list, lambda length, limit: length <= limit, "at most {} items"),
    "maxLength": _length(str, lambda length, limit: length <= limit, "at most {} characters"),
    "maxProperties": _length(dict, lambda length, limit: length <= limit, "at most {} members"),
    "maximum": _bound(lambda value, limit: value <= limit, "at most"),
    "minItems": _length(list, lambda length, limit: length >= limit, "at least {} items"),
    "minLength": _length(str, lambda length, limit: length >= limit, "at least {} characters"),
    "minProperties": _length(dict, lambda length, limit: length >= limit, "at least {} members"),
    "minimum": _bound(lambda value, limit: value >= limit, "at least"),
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "type": _type,
    "uniqueItems": _unique_items,
}
"""The functions of keywords about the value itself; each returns what is wrong with the value."""


def _required(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if isinstance(value, dict):
        evaluation.spend(len(schema["required"]))
        for name in schema["required"]:
            if name not in value:
                yield FieldError(child(pointer, name), "This value is required")


def _properties(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if isinstance(value, dict):
        evaluation.spend(len(schema["properties"]))
        for name, part in schema["properties"].items():
            if name in value:
                yield from evaluation.errors(part, value[name], child(pointer, name))


def _additional(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if isinstance(value, dict):
        evaluation.spend(len(value))
        for name in value:
            if name not in schema.get("properties", ()):
                yield from evaluation.errors(
                    schema["additionalProperties"], value[name], child(pointer, name)
                )


def _items(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from evaluation.errors(schema["items"], item, f"{pointer}/{index}")


def _all_of(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    for part in schema["allOf"]:
        yield from evaluation.errors(part, value, pointer)


def _any_of(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if not any(evaluation.accepts(part, value) for part in schema["anyOf"]):
        yield FieldError(pointer, "Must match at least one alternative of `anyOf`")


def _one_of(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    count = sum(evaluation.accepts(part, value) for part in schema["oneOf"])
    if count != 1:
        yield FieldError(
            pointer, f"Must match exactly one alternative of `oneOf`; it matches {count}"
        )


def _not(
    evaluation: Evaluation, schema: Mapping[str, Any], value: Any, pointer: str
) -> Iterator[FieldError]:
    if evaluation.accepts(schema["not"], value):
        yield FieldError(pointer, "Must not match the schema in `not`")


_PARTS: Mapping[str, _Part] = {
    "additionalProperties": _additional,
    "allOf": _all_of,
    "anyOf": _any_of,
    "items": _items,
    "not": _not,
    "oneOf": _one_of,
    "properties": _properties,
    "required": _required,
}
"""The functions of keywords that apply schemas to parts of the value or to all of it."""
