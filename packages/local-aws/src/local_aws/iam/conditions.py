"""IAM's condition operators in three-valued logic.

An operator returns True, False, or None for "cannot be decided here".

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from ipaddress import ip_address, ip_network

from local_aws.iam.context import Keys
from local_aws.iam.patterns import UnresolvedVariableError, glob, resolved, substituted

# (request value, policy value, keys, whether variables are resolved) -> match. A ValueError means
# that one of the two values does not have the operator's type.
Match = Callable[[str, str, Keys, bool], bool]

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Condition:
    operator: str  # as written, e.g. "ForAllValues:StringEqualsIfExists"
    key: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class _Operator:
    match: Match
    negated: bool = False


def holds(condition: Condition, keys: Keys, variables: bool = True) -> bool | None:
    """Return True if the condition is met; None if it cannot be decided.

    It cannot be decided with an unknown operator, an unknown value, or a value of the wrong type.
    """
    quantifier, _, name = condition.operator.rpartition(":")
    if name == "Null" and not quantifier:
        return _null(condition, keys)
    if_exists = name.endswith("IfExists")
    found = OPERATORS.get(name.removesuffix("IfExists"))
    if found is None or quantifier not in ("", "ForAllValues", "ForAnyValue"):
        return None
    if not keys.has(condition.key):
        return if_exists or quantifier == "ForAllValues" or (not quantifier and found.negated)
    actual = keys.get(condition.key)
    if actual is None or (not quantifier and len(actual) != 1):
        return None  # AWS does not define the result for several values without a quantifier
    try:
        matched = [_matches(found, value, condition.values, keys, variables) for value in actual]
    except ValueError:
        return None
    return any(matched) if quantifier == "ForAnyValue" else all(matched)


def _matches(
    found: _Operator, value: str, wanted: Sequence[str], keys: Keys, variables: bool
) -> bool:
    """Return True if one of `wanted` matches; for a negated operator, if none of them matches."""
    return any(_match(found, value, each, keys, variables) for each in wanted) is not found.negated


def _match(found: _Operator, value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    try:
        return found.match(value, wanted, keys, variables)
    except UnresolvedVariableError:
        if found.negated:
            # an unknown value must not make a negated operator match
            raise ValueError(wanted) from None
        return False


def _null(condition: Condition, keys: Keys) -> bool | None:
    """Evaluate `{"Null": {key: "true"}}`: the key is absent.

    The result is None if the key's value is unknown, because its presence is then unknown too.
    """
    wanted = {value.lower() for value in condition.values}
    if not wanted <= {"true", "false"}:
        return None
    present = keys.has(condition.key)
    if present and keys.get(condition.key) is None and len(wanted) == 1:
        return None
    return ("false" if present else "true") in wanted


def _text(wanted: str, keys: Keys, variables: bool) -> str:
    return substituted(wanted, keys) if variables else wanted


def _equals(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    return value == _text(wanted, keys, variables)


def _equals_ignoring_case(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    return (
        value.lower() == _text(wanted, keys, variables).lower()
    )  # lower() compares letter by letter; casefold() treats ß as ss


def _like(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    pattern = resolved(wanted, keys) if variables else glob(wanted)
    return pattern.fullmatch(value) is not None


def _arn_like(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    """Compare the six parts one by one: a wildcard crosses a colon only in the last part."""
    parts, patterns = value.split(":", 5), ["*"] * 6 if wanted == "*" else _split_arn(wanted)
    if len(parts) != 6 or len(patterns) != 6:
        raise ValueError(f"{value} or {wanted} is not an ARN")
    return all(
        _like(part, pattern, keys, variables) for part, pattern in zip(parts, patterns, strict=True)
    )


def _split_arn(wanted: str) -> list[str]:
    """Split an ARN into six parts at the colons that are outside `${…}`."""
    return re.split(r":(?![^{]*\})", wanted, maxsplit=5)


def _bool(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    text = _text(wanted, keys, variables).lower()
    if text not in ("true", "false"):
        raise ValueError(wanted)
    return value.lower() == text


def _binary(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    return base64.b64decode(value, validate=True) == base64.b64decode(wanted, validate=True)


def _in_network(value: str, wanted: str, keys: Keys, variables: bool) -> bool:
    text = _text(wanted, keys, variables)
    if "/" in text and not text.rpartition("/")[2].isdigit():
        raise ValueError(f"{text} is not a CIDR block: IAM accepts no netmask")
    address, network = ip_address(value), ip_network(text, strict=False)
    return address.version == network.version and address in network


def _number(compare: Callable[[Decimal, Decimal], bool]) -> Match:
    return lambda value, wanted, keys, variables: compare(
        _decimal(value), _decimal(_text(wanted, keys, variables))
    )


def _decimal(text: str) -> Decimal:
    """Parse a number; reject what only Python accepts, such as `Infinity` and `1_0`."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text} is not a number")
    return Decimal(text)


def _date(compare: Callable[[datetime, datetime], bool]) -> Match:
    return lambda value, wanted, keys, variables: compare(
        _moment(value), _moment(_text(wanted, keys, variables))
    )


def _moment(text: str) -> datetime:
    """Parse an ISO 8601 time (UTC by default) or epoch seconds.

    Four digits can be a year or epoch seconds, so they are rejected.
    """
    if text.replace(".", "", 1).isdigit() and len(text) != 4:
        return datetime.fromtimestamp(float(text), UTC)
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


OPERATORS: dict[str, _Operator] = {
    "StringEquals": _Operator(_equals),
    "StringNotEquals": _Operator(_equals, negated=True),
    "StringEqualsIgnoreCase": _Operator(_equals_ignoring_case),
    "StringNotEqualsIgnoreCase": _Operator(_equals_ignoring_case, negated=True),
    "StringLike": _Operator(_like),
    "StringNotLike": _Operator(_like, negated=True),
    "ArnEquals": _Operator(_arn_like),  # AWS defines it as the same as ArnLike
    "ArnLike": _Operator(_arn_like),
    "ArnNotEquals": _Operator(_arn_like, negated=True),
    "ArnNotLike": _Operator(_arn_like, negated=True),
    "NumericEquals": _Operator(_number(operator.eq)),
    "NumericNotEquals": _Operator(_number(operator.eq), negated=True),
    "NumericLessThan": _Operator(_number(operator.lt)),
    "NumericLessThanEquals": _Operator(_number(operator.le)),
    "NumericGreaterThan": _Operator(_number(operator.gt)),
    "NumericGreaterThanEquals": _Operator(_number(operator.ge)),
    "DateEquals": _Operator(_date(operator.eq)),
    "DateNotEquals": _Operator(_date(operator.eq), negated=True),
    "DateLessThan": _Operator(_date(operator.lt)),
    "DateLessThanEquals": _Operator(_date(operator.le)),
    "DateGreaterThan": _Operator(_date(operator.gt)),
    "DateGreaterThanEquals": _Operator(_date(operator.ge)),
    "Bool": _Operator(_bool),
    "BinaryEquals": _Operator(_binary),
    "IpAddress": _Operator(_in_network),
    "NotIpAddress": _Operator(_in_network, negated=True),
}
