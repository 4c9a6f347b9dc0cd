"""KeyConditionExpression: one partition and a range of its sort key.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from dataclasses import dataclass

from local_aws.dynamodb import keys
from local_aws.dynamodb.errors import invalid, invalid_values
from local_aws.dynamodb.schema import Keys
from local_aws.dynamodb.syntax import Placeholders, Reader
from local_aws.dynamodb.values import Value

_SIGNS = ("=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class KeyCondition:
    hash: bytes
    bounds: tuple[tuple[str, bytes], ...] = ()  # (operator, value) of the sort key


@dataclass(frozen=True)
class _Term:
    name: str
    sign: str  # or BETWEEN, begins_with
    values: tuple[Value, ...]


def key_condition(text: str, placeholders: Placeholders, wanted: Keys) -> KeyCondition:
    """Return the parsed condition; raise a ValidationException if it does not fit these keys."""
    terms = _terms(Reader("KeyConditionExpression", text, placeholders))
    by_name = {term.name: term for term in terms}
    if len(by_name) < len(terms):
        raise invalid(
            "Invalid KeyConditionExpression: KeyConditionExpressions must only contain one condition per key"
        )
    if wanted.hash not in by_name:
        raise invalid(f"Query condition missed key schema element: {wanted.hash}")
    first = by_name.pop(wanted.hash)
    if first.sign != "=":
        raise invalid("Query key condition not supported")
    if by_name and wanted.sort not in by_name:
        raise invalid(
            f"Query condition missed key schema element: {wanted.sort}"
            if wanted.sort
            else "Query key condition not supported"
        )
    [hash_key] = _encoded(first, wanted.hash_type)
    return KeyCondition(
        hash_key, _bounds(by_name[wanted.sort], wanted.sort_type) if by_name else ()
    )


def _terms(reader: Reader) -> list[_Term]:
    terms = _and(reader)
    reader.expect_end()
    if len(terms) > 2:
        raise invalid("Conditions can be of length 1 or 2 only")
    return terms


def _and(reader: Reader) -> list[_Term]:
    terms = _term(reader)
    while reader.take("AND"):
        terms += _term(reader)
    if reader.peek().upper() in ("OR", "NOT"):
        raise reader.error(
            f"Invalid operator used in KeyConditionExpression: {reader.peek().upper()}"
        )
    return terms


def _term(reader: Reader) -> list[_Term]:
    if reader.take("("):
        terms = _and(reader)
        reader.expect(")")
        return terms
    if reader.peek(1) == "(":
        name = reader.next()
        if name != "begins_with":
            raise reader.error(f"Invalid function name; function: {name}")
        reader.expect("(")
        path = reader.path()
        reader.expect(",")
        value = reader.value()
        reader.expect(")")
        return [_Term(str(path[0]), "begins_with", (value,))]
    path = reader.path()
    sign = reader.take(*_SIGNS, "<>", "BETWEEN")
    if sign == "<>":
        raise reader.error("Invalid operator used in KeyConditionExpression: <>")
    if sign == "BETWEEN":
        low = reader.value()
        reader.expect("AND")
        return [_Term(str(path[0]), sign, (low, reader.value()))]
    if not sign:
        raise reader.syntax_error()
    return [_Term(str(path[0]), sign, (reader.value(),))]


def _encoded(term: _Term, kind: str) -> list[bytes]:
    for value in term.values:
        if kind not in value:
            raise invalid_values("Condition parameter type does not match schema type")
        if value[kind] == "":
            raise invalid(
                "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an "
                f"empty string value. Key: {term.name}"
            )
    return [keys.encode(value) for value in term.values]


def _bounds(term: _Term, kind: str) -> tuple[tuple[str, bytes], ...]:
    if term.sign == "begins_with" and kind == "N":
        raise invalid(
            "Invalid KeyConditionExpression: Incorrect operand type for operator or function; "
            "operator or function: begins_with, operand type: N"
        )
    values = _encoded(term, kind)
    match term.sign:
        case "BETWEEN":
            if values[0] > values[1]:
                raise invalid(
                    "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal "
                    "to lower bound"
                )
            return (">=", values[0]), ("<=", values[1])
        case "begins_with":
            end = keys.after_prefix(values[0])
            return ((">=", values[0]), ("<", end)) if end is not None else ((">=", values[0]),)
    return ((term.sign, values[0]),)
