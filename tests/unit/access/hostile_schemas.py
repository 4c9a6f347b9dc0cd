"""Regular expressions and schemas that are known to make validators slow, with values that do."""

from collections.abc import Iterator
from itertools import product
from typing import Any

LONG = 8000
"""Characters, about as many as a value can have."""

_KNOWN = [
    # pattern, repeated part of the text, and an ending that makes the match fail
    ("^(a+)+$", "a", "!"),
    ("^(a|a)*$", "a", "!"),
    ("^(a|aa)+$", "a", "!"),
    ("^(a|a?)+$", "a", "!"),
    ("^(.*a){12}$", "a", "!"),
    ("(x+x+)+y", "x", ""),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "a", ""),
    ("^([a-zA-Z0-9]+)*$", "a", "!"),
    (r"^(\d+)*$", "1", "a"),
    (r"^\d*\d*\d*\d*$", "1", "a"),
    (r"\s+$", " ", "a"),
    (r"^\s+|\s+$", " ", "a"),
    (r"^[\s\u200c]+|[\s\u200c]+$", " ", "a"),
    (r"(.*),(.*),(.*),(.*),(.*);", ",", ""),
    (r"^(?:.?)+$", "a", "\n"),
    (r"^(?:(?:a?){3}){3}b$", "a", ""),
    (r"^([^@]+@)*[^@]+$", "a@", "@@"),
    (
        r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$",
        "a",
        "!",
    ),
    (
        r"^([0-9a-zA-Z]([-.\w]*[0-9a-zA-Z])*@(([0-9a-zA-Z])+([-\w]*[0-9a-zA-Z])*\.)+[a-zA-Z]{2,9})$",
        "a",
        "!",
    ),
    (r"^[a-zA-Z]+(([',. -][a-zA-Z ])?[a-zA-Z]*)*$", "a", "1"),
    (r"^(([a-z])+(-[a-z]+)*)+$", "a-", "!"),
    (r"^(https?:\/\/)?([\da-z.-]+)\.([a-z.]{2,6})([\/\w .-]*)*\/?$", "a.", "!"),
    (r"^((http|ftp)s?:)?\/\/(([a-z0-9]+\.)+)?[a-z0-9]+(\/[a-z0-9]*)*$", "/a", "!"),
    (r"<!--[\s\S]*?(?:-->|$)", "<!--", ""),
    (r"^(?:\+?(\d{1,3}))?[-. (]*(\d{3})[-. )]*(\d{3})[-. ]*(\d{4})(?: *x(\d+))?\s*$", "1 ", "x"),
    (r"^\w+([-+.']\w+)*@\w+([-.]\w+)*\.\w+([-.]\w+)*$", "a.", "!"),
    (r"^\w+\s?\w*\s?\w*\s?\w*$", "a", "!"),
    (r"(\w+\s*)+:", "a ", ""),
    (r"(?:(?:\r\n)?[ \t])*", "\r\n ", ""),
    (r"^(\\?[^\\])*$", "\\", ""),
    (r"([^\/]*\/)*[^\/]*\.js$", "a/", "!"),
    (r"^(\[\s*)+(\]\s*)+$", "[ ", "a"),
    ("=+=+=+=+=+[^=]", "=", ""),
    (r"^(?:[a-z]{0,60}){0,3}!$", "a", ""),
    ("(a{1,60}){1,3}b", "a", ""),
    (r"(.*?)*=(.*?)*=", "=", ""),
    (r"^(([01]?\d\d?|2[0-4]\d|25[0-5])\.)*x$", "1.", "!"),
    (r"\p{L}+\p{L}+\p{L}+\d", "é", ""),
    ("(a|b)*a(a|b){90}c", "abbab", ""),
    ("(.)*(.)*(.)*(.)*(.)*!!!", "a", "!"),
    # our subset has no backreferences and no lookaround
    (r"^(a+)\1+$", "a", "!"),
    (r"^(?=(a+))a*b$", "a", ""),
    (r"^(?!(a+)+b)", "a", ""),
    (r"(?<=a+)b", "a", ""),
    (r"\b(a+)+\b", "a", "!"),
    (r"^(?>a+)+$", "a", "!"),
    ("^(a{1,9999}){1,9999}$", "a", "!"),
    ("a{9999}", "a", ""),
]
_INNER = ("a", "[ab]", ".", r"\w", "a|b", "a|ab", "a*", "a?b?")
_OUTER = (
    "({})+$",
    "^({})*!$",
    "^({}){{2,30}}$",
    "({})*({})*!",
    "^(({})+)+$",
    "(({})*x?)*y",
    "^({})?({})?({})?!",
)


def patterns() -> Iterator[tuple[str, str]]:
    """Yield each pattern with a text for which backtracking is slow."""
    for pattern, part, end in _KNOWN:
        yield pattern, (part * LONG)[:LONG] + end
    for inner, outer in product(_INNER, _OUTER):
        yield outer.replace("{}", inner).replace("{{", "{").replace("}}", "}"), "a" * LONG + "\n"


def _nested(keyword: str, depth: int, innermost: Any) -> Any:
    schema = innermost
    for _ in range(depth):
        schema = {keyword: [schema] if keyword.endswith("Of") else schema}
    return schema


def many(count: int) -> list[Any]:
    return [{"type": "integer"}, *({"minimum": -number} for number in range(count))]


NUMBERS = list(range(1700))
TREE: Any = [[[[number] * 4] * 5] * 5 for number in range(9)]

SCHEMAS: list[tuple[str, Any, Any]] = [
    ("allOf on each item", {"items": {"allOf": many(150)}}, NUMBERS),
    (
        "anyOf that fails on each item",
        {"items": {"anyOf": [{"const": f"x{number}"} for number in range(150)]}},
        NUMBERS,
    ),
    ("oneOf on each item", {"items": {"oneOf": many(150)}}, NUMBERS),
    ("oneOf in oneOf", _nested("oneOf", 8, {"items": {"oneOf": many(100)}}), NUMBERS),
    ("not in not", _nested("not", 15, {"items": {"not": {"enum": list(range(150))}}}), NUMBERS),
    (
        "anyOf in anyOf",
        {"anyOf": [_nested("anyOf", 8, {"items": False}) for _ in range(40)]},
        NUMBERS,
    ),
    ("uniqueItems of many", {"uniqueItems": True}, NUMBERS),
    (
        "uniqueItems on every level",
        _nested("items", 5, {"uniqueItems": True}) | {"uniqueItems": True},
        TREE,
    ),
    ("uniqueItems many times", {"allOf": [{"uniqueItems": True}] * 150}, NUMBERS),
    ("enum of large arrays", {"enum": [[number] * 20 for number in range(200)]}, NUMBERS),
    ("enum many times", {"items": {"allOf": [{"enum": list(range(100, 150))}] * 60}}, NUMBERS),
    (
        "const of a large array many times",
        {"items": {"not": {"const": list(range(2000))}}},
        [[1]] * 900,
    ),
    (
        "multipleOf on each item",
        {"items": {"allOf": [{"multipleOf": 5e-324}] * 100}},
        [1e15 + 0.3] * 400,
    ),
    ("huge minLength", {"minLength": 2**53 - 1}, "a" * LONG),
    ("huge minItems", {"minItems": 2**53 - 1}, NUMBERS),
    ("pattern under not", {"not": {"pattern": "^(a+)+$"}}, "a" * LONG + "!"),
    ("pattern on each item", {"items": {"pattern": "(a|b)*a(a|b){90}c"}}, ["abbab" * 30] * 50),
    (
        "many patterns",
        {"allOf": [{"pattern": f"(a|b)*a(a|b){{{number}}}c"} for number in range(40)]},
        "abbab" * 1600,
    ),
    (
        "pattern of many different characters",
        {"pattern": r"(\p{L}|\p{N}){90}!"},
        "".join(map(chr, range(0x4E00, 0x4E00 + 2600))),
    ),
    ("format many times", {"allOf": [{"format": "uri"}] * 200}, "a:" + "/" * LONG),
    ("email many times", {"allOf": [{"format": "email"}] * 200}, "a." * (LONG // 2) + "@x"),
    (
        "required of many",
        {"allOf": [{"required": [f"n{number}" for number in range(100)]}] * 10},
        {},
    ),
    (
        "properties of many",
        {"items": {"properties": {f"n{number}": {"type": "null"} for number in range(200)}}},
        [{"n1": 1}] * 700,
    ),
    (
        "additionalProperties on every level",
        _nested("additionalProperties", 15, {"allOf": many(100)}),
        {f"n{n}": {"a": {"b": n}} for n in range(300)},
    ),
]
"""A name, the schema of the attribute `value`, and a value."""

REFUSED: list[tuple[Any, str]] = [
    (_nested("not", 25, {}), "/not" * 19),
    (_nested("items", 25, {}), "/items" * 19),
    ({"multipleOf": 0}, "/multipleOf"),
    ({"multipleOf": -1}, "/multipleOf"),
    ({"multipleOf": True}, "/multipleOf"),
    ({"required": [1, None]}, "/required"),
    ({"required": ["a", "a"]}, "/required"),
    ({"required": "a"}, "/required"),
    ({"enum": []}, "/enum"),
    ({"enum": list(range(201))}, "/enum"),
    ({"enum": "a"}, "/enum"),
    ({"type": []}, "/type"),
    ({"type": ["string", "string"]}, "/type"),
    ({"type": None}, "/type"),
    ({"minLength": -1}, "/minLength"),
    ({"minLength": 1.5}, "/minLength"),
    ({"maxItems": "3"}, "/maxItems"),
    ({"maximum": None}, "/maximum"),
    ({"uniqueItems": 1}, "/uniqueItems"),
    ({"items": [{}]}, "/items"),
    ({"items": None}, "/items"),
    ({"allOf": []}, "/allOf"),
    ({"allOf": {}}, "/allOf"),
    ({"allOf": [{}, 1]}, "/allOf/1"),
    ({"oneOf": [True] * 201}, "/oneOf"),
    ({"not": 1}, "/not"),
    ({"properties": []}, "/properties"),
    ({"properties": {"a/b": 1}}, "/properties/a~1b"),
    ({"properties": {f"n{number}": True for number in range(201)}}, "/properties"),
    ({"pattern": 1}, "/pattern"),
    ({"pattern": "["}, "/pattern"),
    ({"pattern": "(a"}, "/pattern"),
    ({"pattern": "a)"}, "/pattern"),
    ({"pattern": "*a"}, "/pattern"),
    ({"pattern": "a{3,2}"}, "/pattern"),
    ({"pattern": "a**"}, "/pattern"),
    ({"pattern": "^*"}, "/pattern"),
    ({"pattern": "[b-a]"}, "/pattern"),
    ({"pattern": "\\"}, "/pattern"),
    ({"pattern": r"\q"}, "/pattern"),
    ({"pattern": r"\1"}, "/pattern"),
    ({"pattern": "a{201}"}, "/pattern"),
    ({"pattern": "(" * 11 + ")" * 11}, "/pattern"),
    ({"pattern": "a" * 257}, "/pattern"),
    ({"pattern": "(?=a)"}, "/pattern"),
    ({"pattern": "$^"}, "/pattern"),
    ({"format": "regex"}, "/format"),
    ({"$ref": "#"}, "/$ref"),
    ({"title": 1}, "/title"),
]
"""Schemas that are refused, with the pointer to the reason."""

TOO_LARGE: list[Any] = [
    {"allOf": [{"anyOf": [True] * 100}] * 6},
    {"allOf": [{"pattern": f"[a-z]{{{number}}}"} for number in range(180, 195)]},
]
"""Schemas that are refused as a whole."""
