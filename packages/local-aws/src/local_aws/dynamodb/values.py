"""Attribute values of requests: validated, brought to a canonical form and measured.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
"""

import base64
import binascii
import decimal
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Never

from local_aws.dynamodb.errors import DynamoDbError, invalid, invalid_values

type Value = dict[str, Any]  # {"S": "text"}
type Item = dict[str, Value]

DIGITS = 38
MOST_BYTES = 400 * 1024  # of an item
DEEPEST = 32
_LARGEST, _SMALLEST = 125, -130  # exponents
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_EXACT = decimal.Context(prec=200, Emax=100_000, Emin=-100_000)
_SETS = {"SS": "S", "NS": "N", "BS": "B"}
_KINDS = frozenset(["S", "N", "B", "BOOL", "NULL", "M", "L", *_SETS])


def number(text: str) -> Decimal:
    """Parse a number.

    Raises:
        DynamoDbError: it is no number, or has too many digits or too large an exponent.
    """
    if not isinstance(text, str):
        raise DynamoDbError("SerializationException", "NUMBER_VALUE cannot be converted to String")
    if not _NUMBER.fullmatch(text):
        raise invalid(f"The parameter cannot be converted to a numeric value: {text}")
    return checked(_EXACT.create_decimal(text))


def checked(value: Decimal) -> Decimal:
    """Return the number if DynamoDB can store it; else raise DynamoDB's ValidationException."""
    if not value:
        return Decimal(0)
    if value.adjusted() > _LARGEST:
        raise invalid(
            "Number overflow. Attempting to store a number with magnitude larger than supported range"
        )
    if value.adjusted() < _SMALLEST:
        raise invalid(
            "Number underflow. Attempting to store a number with magnitude smaller than supported range"
        )
    short = _EXACT.normalize(value)
    if len(short.as_tuple().digits) > DIGITS:
        raise invalid("Attempting to store more than 38 significant digits in a Number")
    return short


def written(value: Decimal) -> str:
    """Return the number as DynamoDB returns it: no exponent, no trailing zeros."""
    return format(value, "f")


def added(one: str, other: str, sign: int = 1) -> str:
    """Return the exact sum of two numbers (or difference, with the sign -1)."""
    return written(checked(_EXACT.add(number(one), number(other) * sign)))


def binary(text: Any) -> bytes:
    """Return the bytes of a value of type B."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise DynamoDbError(
            "SerializationException", "Base64 encoded length is unexpected"
        ) from None


def canonical(value: Any, depth: int = 0) -> tuple[Value, int]:
    """Return the canonical form of the value, and its size in bytes.

    Equal values have equal canonical forms.
    """
    if not isinstance(value, dict) or len(value) != 1 or not _KINDS.issuperset(value):
        _malformed(value)
    if depth > DEEPEST:
        raise invalid("Nesting Levels have exceeded supported limits")
    [(kind, content)] = value.items()
    match kind:
        case "S":
            if not isinstance(content, str):
                raise DynamoDbError(
                    "SerializationException", "NUMBER_VALUE cannot be converted to String"
                )
            return value, len(content.encode())
        case "N":
            text = written(number(content))
            return {"N": text}, _number_size(text)
        case "B":
            content = binary(content)
            return {"B": base64.b64encode(content).decode()}, len(content)
        case "BOOL":
            return value, 1
        case "NULL":
            if content is not True:
                raise invalid_values("Null attribute value types must have the value of true")
            return value, 1
        case "M":
            inside, size = canonical_item(content, depth + 1)
            return {"M": inside}, size + 3 + len(inside)
        case "L":
            elements = [canonical(each, depth + 1) for each in content]
            return {"L": [each for each, _ in elements]}, 3 + sum(size + 1 for _, size in elements)
    return _canonical_set(kind, content)


def canonical_item(item: Any, depth: int = 0) -> tuple[Item, int]:
    """Return the attributes in their canonical form, and their size including their names."""
    if not isinstance(item, dict):
        raise DynamoDbError("SerializationException", "Unexpected value type in payload")
    found, total = {}, 0
    for name, value in item.items():
        found[name], size = canonical(value, depth)
        total += len(name.encode()) + size
    return found, total


def _malformed(value: Any) -> Never:
    if isinstance(value, dict) and len(value) > 1:
        raise invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
        )
    raise invalid(
        "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
    )


def _canonical_set(kind: str, content: Any) -> tuple[Value, int]:
    if not content:
        names = {"SS": "string", "NS": "number", "BS": "binary"}
        raise invalid_values(f"An {names[kind]} set  may not be empty")
    elements = [canonical({_SETS[kind]: each}) for each in content]
    values = [next(iter(each.values())) for each, _ in elements]
    if len(set(values)) < len(values):
        shown = ", ".join(map(str, content))
        raise invalid_values(f"Input collection [{shown}] contains duplicates.")
    return {kind: sorted(values, key=_sort_key(kind))}, sum(size for _, size in elements)


def _sort_key(kind: str) -> Any:
    return {"SS": str, "NS": Decimal, "BS": base64.b64decode}[kind]


def united(kind: str, one: list[str], other: list[str]) -> list[str]:
    """Return the union of two canonical sets."""
    return sorted({*one, *other}, key=_sort_key(kind))


def _number_size(text: str) -> int:
    digits = text.replace(".", "").strip("-").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")


def comparable(value: Mapping[str, Any]) -> Any:
    """Return a value of type S, N or B in a form that `<` can compare."""
    [(kind, content)] = value.items()
    if kind == "N":
        return Decimal(content)
    return content.encode() if kind == "S" else base64.b64decode(content)
