"""Decoding of the query into a Struct, or into a Problem that names every invalid parameter."""

import types
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Union, get_args, get_origin

import msgspec

from atrium.http.json_values import fault_of, parse
from atrium.http.problem import ParameterError, invalid_parameters

_CONTROLS = "Control characters are not allowed"
_UNKNOWN = "This parameter is unknown"


def check(path_parameters: Mapping[str, str], unexpected: Iterable[str]) -> None:
    """Raise 400 for `unexpected` parameters and for control characters in path parameters.

    No name or id contains control characters, and not every store accepts them.
    """
    errors = [
        ParameterError(name, _CONTROLS)
        for name, text in path_parameters.items()
        if _has_controls(text)
    ]
    errors += [ParameterError(name, _UNKNOWN) for name in unexpected]
    if errors:
        raise invalid_parameters(errors)


def decode[Model: msgspec.Struct](query: Mapping[str, Sequence[str]], model: type[Model]) -> Model:
    """Decode the query as `model`; unknown parameters are always rejected.

    A field of a list type takes all values of its parameter, any other field exactly one.
    Numbers and booleans are parsed from text, and a time needs a time zone. `null` is not a
    value: clients omit the parameter instead.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    errors = dict.fromkeys(query.keys() - fields.keys(), _UNKNOWN)
    named: dict[str, Any] = {}
    for name, field in fields.items():
        try:
            if name in query:
                named[field.name] = _value(query[name], field.type)
            elif field.required:
                errors[name] = "This parameter is required"
        except msgspec.ValidationError as invalid:
            errors[name] = (
                str(invalid).partition(" - at `")[0].removesuffix(", got `str`")
            )  # because every value is a string
    if errors:
        found = sorted(errors.items())
        raise invalid_parameters([ParameterError(*each) for each in found])
    return model(**named)


def _value(texts: Sequence[str], kind: Any) -> Any:
    kind = _without_none(kind)
    if get_origin(kind) is list:
        [item] = get_args(kind)
        return [_one(text, item) for text in texts]
    if len(texts) != 1:
        raise msgspec.ValidationError("This parameter must not be repeated")
    return _one(texts[0], kind)


def _one(text: str, kind: Any) -> Any:
    if _has_controls(text):
        raise msgspec.ValidationError(_CONTROLS)
    try:
        value = msgspec.convert(text, kind, dec_hook=parse)
    except msgspec.ValidationError:
        # Convert leniently only types that JSON does not write as text. For text types, leniency
        # would accept `1` as a date. It would also accept `1e2` as an integer and `1` as true.
        value = msgspec.convert(text, kind, strict=False, dec_hook=parse)
        if not isinstance(value, float) and not (
            isinstance(value, int) and msgspec.json.encode(value) == text.encode()
        ):
            raise
    if isinstance(value, datetime):
        return _in_utc(value)
    if fault := fault_of(value):
        raise msgspec.ValidationError(fault)
    return value


def _in_utc(moment: datetime) -> datetime:
    """Convert to UTC: Postgres rejects offsets of 16 hours or more, RFC 3339 allows up to 23:59."""
    if moment.tzinfo is None:
        raise msgspec.ValidationError(
            "Must be a time with a time zone, such as 2026-01-31T12:00:00Z"
        )
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise msgspec.ValidationError("Must be between the years 1 and 9999 in UTC") from None


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return Union[tuple(each for each in get_args(kind) if each is not types.NoneType)]  # noqa: UP007  made of parts
    return kind
