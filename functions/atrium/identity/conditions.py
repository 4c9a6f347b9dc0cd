"""Conditions in the shape of JsonLogic: a pure, total evaluation with three truth values.

    {"and": [condition, …]}   {"or": [condition, …]}   {"!": [condition]}
    {"==": [operand, operand]}   and `!=`, `<`, `<=`, `>`, `>=`, `before`, `after`, `in`

An operand is a text, a number, a boolean, or a variable such as `{"var": "resource.owner"}`. The
second operand of `in` is a list of such constants, or a variable that is one. `before` and `after`
compare RFC 3339 times. A comparison is unknown if a variable is missing or its type is wrong, and
`!` leaves an unknown unknown. Only a true condition permits.

docs/decisions/0019-conditions.md has the reasons.
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec

from atrium.http.problem import FieldError

MAX_BYTES = 2048
MAX_DEPTH = 8
MAX_NODES = 64
ROOTS = ("subject", "action", "resource", "context", "now")
"""The first names of variables."""

Facts = Mapping[str, Any]
"""The values of variables, as nested objects."""
Truth = bool | None
"""The result of a condition; None if it is unknown."""

_MISSING = object()
_NUMBERS = (int, float)
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_Time = Annotated[datetime, msgspec.Meta(tz=True)]
_OF_TIMES: dict[str, Callable[[Any, Any], bool]] = {"before": operator.lt, "after": operator.gt}
_COMPARISONS = ("==", "!=", *_ORDERED, *_OF_TIMES, "in")


def evaluate(condition: Mapping[str, Any], facts: Facts) -> Truth:
    """Return the truth of a condition that has no `faults`. It never raises."""
    ((name, arguments),) = condition.items()
    if name in ("and", "or"):
        found = {evaluate(each, facts) for each in arguments}
        decisive = name == "or"
        return decisive if decisive in found else None if None in found else not decisive
    if name == "!":
        inner = evaluate(arguments[0], facts)
        return None if inner is None else not inner
    left, right = (_value(each, facts) for each in arguments)
    return _compare(name, left, right)


def _compare(name: str, left: Any, right: Any) -> Truth:
    if name == "in":
        return _is_in(left, right)
    if name in _OF_TIMES:
        times = _time(left), _time(right)
        return None if None in times else _OF_TIMES[name](*times)
    if not _is_alike(left, right):
        return None
    if name in ("==", "!="):
        return bool(left == right) is (name == "==")
    return None if isinstance(left, bool) else _ORDERED[name](left, right)


def _is_in(value: Any, choices: Any) -> Truth:
    if _kind(value) is None or not isinstance(choices, list):
        return None
    found = {value == each if _is_alike(value, each) else None for each in choices}
    return True if True in found else None if None in found else False


def _is_alike(left: Any, right: Any) -> bool:
    return _kind(left) is not None and _kind(left) == _kind(right)


def _kind(value: Any) -> type | None:
    """Return the type of a constant: a boolean is no number. Return None for anything else."""
    if isinstance(value, bool):
        return bool
    return float if isinstance(value, _NUMBERS) else str if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:  # datetime.fromisoformat also accepts other formats of ISO 8601, such as weeks
        return msgspec.convert(value, _Time)
    except msgspec.ValidationError:
        return None


def _value(operand: Any, facts: Facts) -> Any:
    """Return a constant or the value of a variable, `_MISSING` if it has none."""
    if not isinstance(operand, dict):
        return operand
    value: Any = facts
    for name in operand["var"].split("."):
        value = value.get(name, _MISSING) if isinstance(value, Mapping) else _MISSING
    return value


def values(condition: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the values of the variables by name, None for a missing one."""
    found = {name: _value({"var": name}, facts) for name in sorted(set(_variables(condition)))}
    return {name: None if value is _MISSING else value for name, value in found.items()}


def _variables(part: Any) -> Iterator[str]:
    if isinstance(part, dict) and "var" in part:
        yield part["var"]
    elif isinstance(part, dict | list):
        for each in part.values() if isinstance(part, dict) else part:
            yield from _variables(each)


def faults(condition: object, at: str) -> list[FieldError]:
    """Return what is wrong with a condition in the field `at`, a JSON pointer."""
    if len(msgspec.json.encode(condition)) > MAX_BYTES:
        return [FieldError(at, f"A condition can have at most {MAX_BYTES} bytes")]
    found = list(_faults(condition, at, 1))
    nodes = _nodes(condition)
    if not found and nodes > MAX_NODES:
        found = [FieldError(at, f"A condition can have at most {MAX_NODES} operators and operands")]
    return found


def _nodes(part: object) -> int:
    inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    return (not isinstance(part, list)) + sum(map(_nodes, inner))


def _faults(part: object, at: str, depth: int) -> Iterator[FieldError]:
    if not isinstance(part, dict) or len(part) != 1:
        yield FieldError(at, 'Must be an object with one operator, such as {"==": […, …]}')
        return
    ((name, arguments),) = part.items()
    inner = f"{at}/{name}"
    if depth > MAX_DEPTH:
        yield FieldError(at, f"A condition can have at most {MAX_DEPTH} levels")
    elif name not in ("and", "or", "!", *_COMPARISONS):
        yield FieldError(at, f"Unknown operator. Use and, or, !, {', '.join(_COMPARISONS)}")
    elif not isinstance(arguments, list):
        yield FieldError(inner, "Must be a list")
    elif name in _COMPARISONS:
        yield from _operand_faults(name, arguments, inner)
    elif not arguments or (name == "!" and len(arguments) != 1):
        yield FieldError(inner, "Must have one condition" + ("" if name == "!" else " or more"))
    else:
        for place, each in enumerate(arguments):
            yield from _faults(each, f"{inner}/{place}", depth + 1)


def _operand_faults(name: str, arguments: list[Any], at: str) -> Iterator[FieldError]:
    if len(arguments) != 2:
        yield FieldError(at, "Must have two operands")
        return
    for place, each in enumerate(arguments):
        if place == 1 and name == "in" and isinstance(each, list):
            if not all(map(_kind, each)):
                yield FieldError(f"{at}/1", "Must contain texts, numbers and booleans only")
        elif place == 1 and name == "in" and not _is_variable(each):
            yield FieldError(f"{at}/1", "Must be a list or a variable")
        elif _kind(each) is None and not _is_variable(each):
            yield FieldError(
                f"{at}/{place}",
                'Must be a text, a number, a boolean, or a variable: {"var": "resource.owner"}, '
                f"which begins with {', '.join(ROOTS)}",
            )


def _is_variable(part: object) -> bool:
    if not isinstance(part, dict) or list(part) != ["var"] or not isinstance(part["var"], str):
        return False
    return part["var"].split(".")[0] in ROOTS
