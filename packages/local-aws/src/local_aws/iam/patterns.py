"""IAM's wildcards and policy variables.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
(wildcards in segments)
"""

import re
from functools import lru_cache

from local_aws.iam.context import Keys

_VARIABLE = re.compile(r"\$\{\s*([^}]*?)\s*\}")
_DEFAULT = re.compile(r"""^([^,]+?)\s*,\s*'([^']*)'$""")
_ESCAPED = {"*", "?", "$"}  # ${*} is a literal asterisk, not a wildcard


class UnresolvedVariableError(Exception):
    """A variable whose key is absent and has no default, so that the pattern matches nothing."""


class UndecidableError(ValueError):
    """A variable whose key is in the request, with an unknown value or with several values."""


@lru_cache(maxsize=4096)
def glob(pattern: str, *, ignore_case: bool = False, segments: bool = False) -> re.Pattern[str]:
    """Return a regular expression for a wildcard pattern.

    `*` matches any text, including `/` and `:`; `?` matches any one character. With `segments`, the
    rules for ARNs apply: `?` does not match a colon, and only a `*` at the end of a segment crosses
    its colon.
    """
    return re.compile(
        _source(pattern, None, segments), re.DOTALL | (re.IGNORECASE if ignore_case else 0)
    )


def resolved(text: str, keys: Keys, *, segments: bool = False) -> re.Pattern[str]:
    """Return `glob` of `text` with the values of its variables as literal text.

    Raises:
        UnresolvedVariableError, UndecidableError: a variable has no value here.
    """
    if "${" not in text:
        return glob(text, segments=segments)
    return re.compile(_source(text, keys, segments), re.DOTALL)


def substituted(text: str, keys: Keys) -> str:
    """Replace the variables in `text`, for operators that do not compare patterns.

    Raises:
        UnresolvedVariableError, UndecidableError: a variable has no value here.
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
        raise UnresolvedVariableError(key)
    value = keys.single(key)
    if value is None:
        raise UndecidableError(key)
    return value


def _source(pattern: str, keys: Keys | None, segments: bool) -> str:
    """Return the pattern's source; without `keys`, variables stay literal text."""
    source, at = "", 0
    while at < len(pattern):
        variable = _VARIABLE.match(pattern, at) if keys else None
        end = variable.end() if variable else at + 1
        if variable and keys:
            source += re.escape(_value(variable[1], keys))
        elif pattern[at] == "*":
            source += "[^:]*" if segments and pattern[end : end + 1] not in ("", ":") else ".*"
        elif pattern[at] == "?":
            source += "[^:]" if segments else "."
        else:
            source += re.escape(pattern[at])
        at = end
    return source
