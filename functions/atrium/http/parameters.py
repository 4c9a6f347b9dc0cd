"""What stands in the address: the query becomes a Struct, or a Problem that names every parameter at fault."""

import types
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Union, get_args, get_origin

import msgspec

from atrium.http.json_values import MAX_ERRORS, fault_of, parse
from atrium.http.problem import ParameterError, invalid_parameters

_CONTROLS = "Control characters are not allowed"
_UNKNOWN = "There is no such parameter"


def check(path_parameters: Mapping[str, str], unexpected: Iterable[str]) -> None:
    """Raises 400 for parameters that are `unexpected`, and for control characters in the path's: no name or id of ours
    holds one, and no store takes them all."""
    errors = [
        ParameterError(name, _CONTROLS)
        for name, text in path_parameters.items()
        if _has_controls(text)
    ]
    errors += [ParameterError(name, _UNKNOWN) for name in unexpected]
    if errors:
        raise invalid_parameters(errors[:MAX_ERRORS])


def decode[Model: msgspec.Struct](query: Mapping[str, Sequence[str]], model: type[Model]) -> Model:
    """Every parameter that `model` lacks is refused, whatever it says of unknown fields.

    A field of a list type takes every value of its parameter, any other exactly one. Numbers and booleans are read
    from text; a time needs its zone. `null` is no value: whoever means none leaves the parameter out.
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
            )  # as every value is
    if errors:
        found = sorted(errors.items())[:MAX_ERRORS]
        raise invalid_parameters([ParameterError(name, detail) for name, detail in found])
    return model(**named)


def _value(texts: Sequence[str], kind: Any) -> Any:
    kind = _without_none(kind)
    if get_origin(kind) is list:
        [item] = get_args(kind)
        return [_one(text, item) for text in texts]
    if len(texts) != 1:
        raise msgspec.ValidationError("It is given more than once")
    return _one(texts[0], kind)


def _one(text: str, kind: Any) -> Any:
    if _has_controls(text):
        raise msgspec.ValidationError(_CONTROLS)
    try:
        value = msgspec.convert(text, kind, dec_hook=parse)
    except msgspec.ValidationError:
        # A second look, for what JSON would not write as text. Nothing else: it would take `1` for a date, too, and
        # `1e2` for a whole number, or `1` for true.
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
    """Postgres takes no offset of 16 hours or more, RFC 3339 up to 23:59."""
    if moment.tzinfo is None:
        raise msgspec.ValidationError("Expected a time with its zone, such as 2026-01-31T12:00:00Z")
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise msgspec.ValidationError("Expected a time from year 1 to year 9999, in UTC") from None


def _has_controls(text: str) -> bool:
    return any(unicodedata.category(character) in ("Cc", "Cs") for character in text)


def _without_none(kind: Any) -> Any:
    if get_origin(kind) in (Union, types.UnionType):
        return Union[tuple(each for each in get_args(kind) if each is not types.NoneType)]  # noqa: UP007  made of parts
    return kind
