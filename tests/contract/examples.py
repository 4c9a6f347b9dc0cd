"""An example value for a schema: its own example, or the simplest valid value."""

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from tests.contract.operations import Operation

_BY_FORMAT = {
    "uuid": "01890a5d-ac96-774b-bcce-b302099a8057",
    "date-time": "2026-01-31T12:00:00Z",
    "email": "ada@example.org",
}


def body(operation: Operation) -> Any:
    """Return a body that the operation accepts, even twice.

    A merge patch may be empty; without an example it has only the fields that its schema requires.
    """
    content = operation.media_types[operation.media_type]
    return _distinct(content.get("example", value(operation, content["schema"])))


def _distinct(example: Any) -> Any:
    """Return the example with new values for fields that accept a value only once: scope and
    address.
    """
    renewed = {}
    kind, separator, _ = example.get("scope", "").partition(":")
    if separator:
        renewed["scope"] = f"{kind}:{uuid.uuid4().hex}"
    if "email" in example:
        renewed["email"] = f"ada-{uuid.uuid4().hex}@example.org"
    return example | renewed


def value(operation: Operation, schema: Mapping[str, Any]) -> Any:
    schema = operation.resolved(schema)
    for known in ("example", "default"):
        if known in schema:
            return schema[known]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            properties = schema.get("properties", {})
            return {name: value(operation, properties[name]) for name in schema.get("required", ())}
        case "array":
            return [value(operation, schema["items"])] * schema.get("minItems", 0)
        case "integer" | "number":
            return schema.get("minimum", 1)
        case "boolean":
            return False
    return _BY_FORMAT.get(schema.get("format", ""), "a" * max(1, schema.get("minLength", 1)))


def with_text(operation: Operation, text: str) -> Iterator[tuple[str, Any]]:
    """Yield, for each text in the body, its JSON pointer and a body that has `text` there."""
    assert operation.body is not None
    yield from _with_text(operation, operation.body, body(operation), "#", text)


def _with_text(
    operation: Operation, schema: Mapping[str, Any], example: Any, pointer: str, text: str
) -> Iterator[tuple[str, Any]]:
    schema = operation.resolved(schema)
    match schema.get("type"):
        case "string":
            yield pointer, text
        case "object":
            for name, inner in schema.get("properties", {}).items():
                kept = example if isinstance(example, dict) else {}
                below = kept.get(name, value(operation, inner))
                for where, changed in _with_text(
                    operation, inner, below, f"{pointer}/{name}", text
                ):
                    yield where, kept | {name: changed}
        case "array":
            for where, changed in _with_text(
                operation, schema["items"], None, f"{pointer}/0", text
            ):
                yield where, [changed]
