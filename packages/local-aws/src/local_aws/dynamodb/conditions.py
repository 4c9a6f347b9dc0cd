"""Condition and filter expressions.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
from collections.abc import Callable
from typing import Any

from local_aws.dynamodb import paths
from local_aws.dynamodb.syntax import Placeholders, Reader
from local_aws.dynamodb.values import Item, Value, binary, comparable

type Test = Callable[[Item], bool]
type Operand = Callable[[Item], Value | None]

_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ORDERED = frozenset("SNB")
_TYPES = frozenset(["S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"])
_NAMES = {
    "S": "STRING", "N": "NUMBER", "B": "BINARY", "BOOL": "BOOLEAN", "NULL": "NULL", "M": "MAP", "L": "LIST",
    "SS": "STRING_SET", "NS": "NUMBER_SET", "BS": "BINARY_SET",
}  # fmt: skip


def condition(where: str, text: str, placeholders: Placeholders) -> Test:
    """Return a test of an item; a missing item counts as an empty one."""
    return _Conditions(Reader(where, text, placeholders)).whole()


def human_type(value: Value) -> str:
    """Return the type's name in AWS's messages."""
    return _NAMES[next(iter(value))]


class _Conditions:
    """A recursive-descent parser; OR binds least, then AND, then NOT."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def whole(self) -> Test:
        test = self._or()
        self._reader.expect_end()
        return test

    def _or(self) -> Test:
        tests = [self._and()]
        while self._reader.take("OR"):
            tests.append(self._and())
        return tests[0] if len(tests) == 1 else lambda item: any(test(item) for test in tests)

    def _and(self) -> Test:
        tests = [self._not()]
        while self._reader.take("AND"):
            tests.append(self._not())
        return tests[0] if len(tests) == 1 else lambda item: all(test(item) for test in tests)

    def _not(self) -> Test:
        if self._reader.take("NOT"):
            test = self._not()
            return lambda item: not test(item)
        if self._reader.take("("):
            test = self._or()
            self._reader.expect(")")
            return test
        return self._function() or self._comparison()

    def _function(self) -> Test | None:
        name = self._reader.peek()
        if self._reader.peek(1) != "(" or name == "size":
            return None
        functions = {
            "attribute_exists": self._exists, "attribute_not_exists": self._not_exists,
            "attribute_type": self._has_type, "begins_with": self._begins_with, "contains": self._contains,
        }  # fmt: skip
        if name not in functions:
            raise self._reader.error(f"Invalid function name; function: {name}")
        self._reader.next()
        self._reader.expect("(")
        test = functions[name]()
        self._reader.expect(")")
        return test

    def _exists(self) -> Test:
        path = self._reader.path()
        return lambda item: paths.find(item, path) is not None

    def _not_exists(self) -> Test:
        path = self._reader.path()
        return lambda item: paths.find(item, path) is None

    def _has_type(self) -> Test:
        path = self._reader.path()
        self._reader.expect(",")
        kind = self._reader.value().get("S")
        if kind not in _TYPES:
            raise self._reader.error(f"Invalid attribute type name found; type: {kind}")
        return lambda item: kind in (paths.find(item, path) or {})

    def _begins_with(self) -> Test:
        whole = self._operand("begins_with", "SB")
        self._reader.expect(",")
        prefix = self._operand("begins_with", "SB")
        return lambda item: _begins(whole(item), prefix(item))

    def _contains(self) -> Test:
        whole = self._operand()
        self._reader.expect(",")
        part = self._operand()
        return lambda item: _has(whole(item), part(item))

    def _comparison(self) -> Test:
        left = self._operand()
        sign = self._reader.take("=", "<>", "<", "<=", ">", ">=", "BETWEEN", "IN")
        match sign:
            case "=":
                right = self._operand()
                return lambda item: (value := left(item)) is not None and value == right(item)
            case "<>":
                right = self._operand()
                return lambda item: left(item) != right(item)
            case "BETWEEN":
                low = self._operand("BETWEEN", "SNB")
                self._reader.expect("AND")
                high = self._operand("BETWEEN", "SNB")
                return lambda item: (
                    _ordered("<=", low(item), value := left(item))
                    and _ordered("<=", value, high(item))
                )
            case "IN":
                return self._among(left)
            case "":
                raise self._reader.syntax_error()
        right = self._operand(sign, "SNB")
        return lambda item: _ordered(sign, left(item), right(item))

    def _among(self, left: Operand) -> Test:
        self._reader.expect("(")
        choices = [self._operand()]
        while self._reader.take(","):
            choices.append(self._operand())
        self._reader.expect(")")
        if len(choices) > 100:
            raise self._reader.error(
                "The IN operator is provided with too many operands; number of operands: 100+"
            )
        return lambda item: (
            (value := left(item)) is not None and any(value == each(item) for each in choices)
        )

    def _operand(self, use: str = "", kinds: str = "") -> Operand:
        """Return the operand's value.

        A value of the request must have one of the `kinds` that its use accepts.
        """
        if self._reader.peek() == "size" and self._reader.peek(1) == "(":
            return self._size()
        if not self._reader.peek().startswith(":"):
            path = self._reader.path()
            return lambda item: paths.find(item, path)
        value = self._reader.value()
        if use and next(iter(value)) not in kinds:
            shown = next(iter(value)) if len(next(iter(value))) == 1 else human_type(value)
            raise self._reader.error(
                f"Incorrect operand type for operator or function; operator or function: {use}, operand type: {shown}"
            )
        return lambda _: value

    def _size(self) -> Operand:
        self._reader.next()
        self._reader.expect("(")
        path = self._reader.path()
        self._reader.expect(")")
        return lambda item: _measured(paths.find(item, path))


def _ordered(sign: str, one: Value | None, other: Value | None) -> bool:
    if one is None or other is None or one.keys() != other.keys() or not _ORDERED.issuperset(one):
        return False
    return _ORDERS[sign](comparable(one), comparable(other))


def _begins(whole: Value | None, prefix: Value | None) -> bool:
    if (
        whole is None
        or prefix is None
        or whole.keys() != prefix.keys()
        or not {"S", "B"}.issuperset(whole)
    ):
        return False
    return bool(comparable(whole).startswith(comparable(prefix)))


def _has(whole: Value | None, part: Value | None) -> bool:
    if whole is None or part is None:
        return False
    [(kind, content)], [(other, wanted)] = whole.items(), part.items()
    if kind == "L":
        return part in content
    if kind == "S" and other == "S":
        return wanted in content
    if kind == "B" and other == "B":
        return binary(wanted) in binary(content)
    return kind == f"{other}S" and wanted in content


def _measured(value: Value | None) -> Value | None:
    if value is None:
        return None
    [(kind, content)] = value.items()
    if kind == "S":
        return {"N": str(len(content.encode()))}
    if kind == "B":
        return {"N": str(len(binary(content)))}
    return {"N": str(len(content))} if isinstance(content, (list, dict)) else None
