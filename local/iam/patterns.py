"""IAM's wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import re
from functools import lru_cache

from local.iam.context import Keys

_VARIABLE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_DEFAULT = re.compile(r"""^([^,]+?)\s*,\s*'([^']*)'$""")
_ESCAPED = {"*", "?", "$"}  # ${*} is an asterisk, not a wildcard


class Unresolved(Exception):  # noqa: N818
    """A variable's key is not in this request and has no default, so the pattern matches nothing."""


class Undecidable(ValueError):  # noqa: N818
    """A variable's key is in the request, but we do not know its value, or it has several."""


@lru_cache(maxsize=4096)
def glob(pattern: str, ignore_case: bool = False) -> re.Pattern[str]:
    """`*` is any text (also across `/` and `:`), `?` any one character."""
    return re.compile(_glob_source(pattern), re.DOTALL | (re.IGNORECASE if ignore_case else 0))


def resolved(text: str, keys: Keys, wildcards: bool) -> re.Pattern[str]:
    """`text` with its variables' values as literal text; wildcards outside them count if `wildcards`.

    Raises:
        Unresolved, Undecidable: a variable has no value here.
    """
    if "${" not in text:
        return glob(text) if wildcards else re.compile(re.escape(text))
    plain = _glob_source if wildcards else re.escape
    source, end = "", 0
    for variable in _VARIABLE.finditer(text):
        source += plain(text[end : variable.start()]) + re.escape(_value(variable[1], keys))
        end = variable.end()
    return re.compile(source + plain(text[end:]), re.DOTALL)


def substituted(text: str, keys: Keys) -> str:
    """`text` with its variables replaced, for the operators that compare no patterns.

    Raises:
        Unresolved, Undecidable: a variable has no value here.
    """
    return _VARIABLE.sub(lambda variable: _value(variable[1], keys), text)


def _value(name: str, keys: Keys) -> str:
    if name in _ESCAPED:
        return name
    default = _DEFAULT.match(name)
    key = default[1] if default else name
    if not keys.has(key):
        if default:
            return default[2]
        raise Unresolved(key)
    value = keys.single(key)
    if value is None:
        raise Undecidable(key)
    return value


def _glob_source(pattern: str) -> str:
    return "".join(".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
