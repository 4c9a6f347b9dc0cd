"""Decoding of a JSON body into a Struct, or into a Problem that names every invalid field."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

import msgspec

from atrium.http.json_values import check_shape, child, parse, too_deep, unsound
from atrium.http.problem import FieldError, Problem
from atrium.runtime import lean_import

MAX_BYTES = 1 << 20

# U+FFFD: API Gateway replaces invalid UTF-8 with it. A client can still send the character as an
# escape.
_REPLACED = "\ufffd".encode()
_PATH = lean_import.pattern(r"(?P<detail>.*) - at `(?:key in )?\$(?P<path>.*)`", re.DOTALL)
_PART = lean_import.pattern(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')
_STEP = lean_import.pattern(r"\.(?P<name>[^.\[]+)|\[(?P<index>\d+)\]")

Check = Callable[[object], Iterator[FieldError]]
"""Yields the errors of parsed JSON that its model does not know."""


def check_media_type(headers: Mapping[str, str], body: bytes, accepted: Collection[str]) -> None:
    """Check the body's headers. Raise 400 for a missing body.

    Raise 415 for a media type that is not accepted, a compressed body, or a charset other than
    UTF-8; its headers say what is accepted (RFC 9110, section 15.5.16; RFC 5789, section 3.1).
    """
    content_type, coding = (
        headers.get("content-type", ""),
        headers.get("content-encoding", "identity"),
    )
    if coding.strip().lower() != "identity":
        detail = f"Content-Encoding `{coding}` is not supported. Send the body uncompressed."
        raise Problem(
            415, "content_encoding_unsupported", detail, headers={"Accept-Encoding": "identity"}
        )
    if not body:
        raise Problem(400, "body_missing", f"Send a body of type {' or '.join(accepted)}.")
    media_type, *parameters = (part.strip().lower() for part in _parts(content_type))
    if media_type not in accepted or not all(_is_utf_8(parameter) for parameter in parameters):
        detail = (
            f"Send Content-Type {' or '.join(accepted)} in UTF-8; "
            f"this body has {content_type or 'no type'}."
        )
        name = "Accept-Patch" if "application/merge-patch+json" in accepted else "Accept"
        raise Problem(415, "media_type_unsupported", detail, headers={name: ", ".join(accepted)})


def _parts(content_type: str) -> list[str]:
    """Return the type and its parameters. A quoted value may have semicolons (RFC 9110, 5.6.6)."""
    if '"' not in content_type:
        return content_type.split(";")
    return [found[0] for found in _PART.finditer(content_type)]


def _is_utf_8(parameter: str) -> bool:
    """Return False for a charset other than UTF-8. JSON defines no parameter, so others pass."""
    name, _, value = parameter.partition("=")
    return name != "charset" or value.strip('"') in ("utf-8", "utf8")


def decode[Model: msgspec.Struct](
    body: bytes, model: type[Model], read_only: Collection[str] = (), check: Check = unsound
) -> Model:
    """Decode the body, see `convert`."""
    return convert(_json(body), model, read_only, check)


def convert[Model: msgspec.Struct](
    value: object, model: type[Model], read_only: Collection[str] = (), check: Check = unsound
) -> Model:
    """Convert parsed JSON. Raise 422 with every invalid field; `check` yields further errors.

    Types are not converted, and unknown fields are errors if `model` forbids them.

    A field's type may be a class with `parse(object) -> Self` that raises ValueError (see
    atrium.http.text).
    """
    errors = {error.pointer: error for error in check(value)}
    try:
        decoded = msgspec.convert(value, model, str_keys=True, dec_hook=parse)
    except msgspec.ValidationError as invalid:
        # msgspec stops at the first error, but a client wants to see all of them.
        for error in list(_struct_errors(value, model, "#", read_only)) or [
            _field_error(str(invalid), "#")
        ]:
            errors.setdefault(error.pointer, error)
    if errors:
        detail = "Some fields of the body are invalid; see `errors`."
        raise Problem(422, "validation_failed", detail, errors=list(errors.values()))
    return decoded


def _json(body: bytes) -> object:
    if len(body) > MAX_BYTES:
        raise Problem(
            413,
            "body_too_large",
            f"The body has {len(body)} bytes; the maximum is {MAX_BYTES}.",
        )
    if _REPLACED in body:
        raise Problem(400, "body_malformed", "The body is not valid JSON: it is not UTF-8.")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as malformed:
        raise Problem(400, "body_malformed", f"The body is not valid JSON. {malformed}.") from None
    except RecursionError:
        raise too_deep() from None
    check_shape(value)
    return value


def _struct_errors(
    value: object, model: type[msgspec.Struct], pointer: str, read_only: Collection[str] = ()
) -> Iterator[FieldError]:
    if not isinstance(value, dict):
        yield FieldError(pointer, "Expected an object")
        return
    fields = {field.encode_name: field for field in msgspec.structs.fields(model)}
    for name, field in fields.items():
        if name in value:
            yield from _errors(value[name], field.type, child(pointer, name))
        elif field.required:
            yield FieldError(child(pointer, name), "This field is required")
    if model.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                detail = "This field is read-only" if name in read_only else "This field is unknown"
                yield FieldError(child(pointer, name), detail)


def _errors(value: object, kind: Any, pointer: str) -> Iterator[FieldError]:
    """Yield nested errors first; report the container's own error only when there are none."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else kind
    if parts := list(_errors_of_parts(value, bare, pointer)):
        yield from parts
        return
    try:
        msgspec.convert(value, kind, str_keys=True, dec_hook=parse)
    except msgspec.ValidationError as invalid:
        yield _field_error(str(invalid), pointer)


def _errors_of_parts(value: object, kind: Any, pointer: str) -> Iterator[FieldError]:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _struct_errors(value, kind, pointer)
    elif origin is list and isinstance(value, list):
        for index, item in enumerate(value):
            yield from _errors(item, arguments[0], f"{pointer}/{index}")
    elif origin is dict and isinstance(value, dict):
        for name, item in value.items():
            yield from _errors(item, arguments[1], child(pointer, name))


def _field_error(message: str, pointer: str) -> FieldError:
    """Return the error that a message of msgspec describes, below `pointer`.

    An example of such a message is "Expected `int`, got `str` - at `$.lines[0].count`".
    """
    found = _PATH.fullmatch(message)
    if not found:
        return FieldError(pointer, message)
    for step in _STEP.finditer(found["path"].partition("[...]")[0]):
        pointer = child(pointer, step["name"] or step["index"])
    return FieldError(pointer, found["detail"])
