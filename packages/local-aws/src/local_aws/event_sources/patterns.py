"""Event patterns in filters of event source mappings: JSON whose leaves are lists of rules.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html (filter rule syntax)
"""

import json
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

Pattern = Mapping[str, Any]

_MISSING = object()
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "=": operator.eq, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


class PatternError(Exception):
    """A pattern that Lambda rejects; the message names the place."""


def parse(text: str) -> Pattern:
    """Parse a pattern; raise `PatternError` if Lambda would reject it."""
    try:
        pattern = json.loads(text)
    except ValueError as error:
        raise PatternError(f"it is not JSON: {error}") from None
    _check(pattern, "the pattern")
    return dict(pattern)


def matches(pattern: Pattern, event: Any) -> bool:
    """Return True if every key of the pattern matches; in a list, one matching element suffices."""
    if isinstance(event, list):
        return any(matches(pattern, each) for each in event)
    fields = event if isinstance(event, Mapping) else {}
    return all(_holds(key, wanted, fields) for key, wanted in pattern.items())


def _holds(key: str, wanted: Any, fields: Mapping[str, Any]) -> bool:
    if key == "$or":
        return any(matches(each, fields) for each in wanted)
    value = fields.get(key, _MISSING)
    if isinstance(wanted, Mapping):
        return matches(wanted, value)
    values = value if isinstance(value, list) else [value]
    return any(_matches(rule, each) for rule in wanted for each in values)


def _matches(rule: Any, value: Any) -> bool:
    if not isinstance(rule, Mapping):
        return _equals(rule, value)
    (name, argument), *_ = rule.items()
    return _RULES[name](argument, value)


def _equals(wanted: Any, value: Any) -> bool:
    """Compare values: 1 and 1.0 are equal, true and 1 are not."""
    return wanted == value and (
        type(wanted) is type(value) or (_is_number(wanted) and _is_number(value))
    )


def _exists(wanted: bool, value: Any) -> bool:
    """Test whether a leaf exists; an object in the event does not count as a value.

    https://docs.aws.amazon.com/lambda/latest/dg/with-ddb-filtering.html
    """
    return wanted is (value is not _MISSING and not isinstance(value, Mapping))


def _anything_but(unwanted: Any, value: Any) -> bool:
    if value is _MISSING or isinstance(value, Mapping):
        return False
    return not any(
        _matches(each, value) for each in (unwanted if isinstance(unwanted, list) else [unwanted])
    )


def _numeric(bounds: Sequence[Any], value: Any) -> bool:
    """Compare numbers.

    DynamoDB writes numbers as text, which never matches, as on AWS.
    """
    pairs = zip(bounds[::2], bounds[1::2], strict=True)
    return _is_number(value) and all(_COMPARE[sign](value, bound) for sign, bound in pairs)


def _text(test: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    def rule(wanted: Any, value: Any) -> bool:
        if isinstance(wanted, Mapping):  # {"prefix": {"equals-ignore-case": …}}
            return isinstance(value, str) and test(
                value.lower(), str(wanted["equals-ignore-case"]).lower()
            )
        return isinstance(value, str) and test(value, wanted)

    return rule


_RULES: dict[str, Callable[[Any, Any], bool]] = {
    "exists": _exists,
    "anything-but": _anything_but,
    "numeric": _numeric,
    "prefix": _text(str.startswith),
    "suffix": _text(str.endswith),
    "equals-ignore-case": _text(lambda value, wanted: value.lower() == wanted.lower()),
}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check(pattern: Any, where: str) -> None:
    if not isinstance(pattern, dict) or not pattern:
        raise PatternError(f"{where} must be an object with at least one key")
    for key, wanted in pattern.items():
        place = f"{where}.{key}"
        if key == "$or":
            if not isinstance(wanted, list) or len(wanted) < 2:
                raise PatternError(f"{place} must be a list of at least two patterns")
            for each in wanted:
                _check(each, place)
        elif isinstance(wanted, dict):
            _check(wanted, place)
        elif not isinstance(wanted, list) or not wanted:
            raise PatternError(f"{place} must be an object or a list of rules")
        else:
            for rule in wanted:
                _check_rule(rule, place)


def _check_rule(rule: Any, where: str) -> None:
    if isinstance(rule, list):
        raise PatternError(f"{where} contains a nested list")
    if not isinstance(rule, dict):
        return
    if len(rule) != 1 or (name := next(iter(rule))) not in _RULES:
        raise PatternError(f"{where} has {json.dumps(rule)}; the rules are {', '.join(_RULES)}")
    if not _ARGUMENTS[name](rule[name]):
        raise PatternError(f"{where} has {json.dumps(rule)}, whose argument is not one of {name}")


def _is_text(argument: Any) -> bool:
    return isinstance(argument, str) or (
        isinstance(argument, dict) and list(argument) == ["equals-ignore-case"]
    )


def _are_unwanted(argument: Any) -> bool:
    if isinstance(argument, dict):
        (name,) = argument if len(argument) == 1 else ("",)
        return name in ("prefix", "suffix", "equals-ignore-case") and isinstance(
            argument[name], str
        )
    each_of = argument if isinstance(argument, list) else [argument]
    return bool(each_of) and not any(isinstance(each, dict | list) for each in each_of)


def _are_bounds(argument: Any) -> bool:
    if not isinstance(argument, list) or len(argument) not in (2, 4):
        return False
    return all(sign in _COMPARE for sign in argument[::2]) and all(map(_is_number, argument[1::2]))


_ARGUMENTS: dict[str, Callable[[Any], bool]] = {
    "exists": lambda argument: isinstance(argument, bool),
    "anything-but": _are_unwanted,
    "numeric": _are_bounds,
    "prefix": _is_text,
    "suffix": _is_text,
    "equals-ignore-case": lambda argument: isinstance(argument, str),
}
