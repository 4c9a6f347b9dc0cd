"""Removal of secrets from text that the console shows."""

import re

REMOVED = "[removed]"

_SECRETS = re.compile(
    r"""
    (?P<token>eyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)*)          # a JSON Web Token
    | (?P<scheme>\b(?:Bearer|Basic)\s+)[\w.~+/=-]{8,}
    | (?P<sql>\bPASSWORD\s+)E?'(?:[^']|'')*'              # as in ALTER ROLE
    | (?P<name>["']?\b[\w-]*(?:authorization|password|passwd)\\?["']?\s*[:=]\s*\\?["']?)
        (?:(?:Bearer|Basic)\s+)?
        (?:(?<=")[^"\\]+|[^\s"',;&}\\]+)               # a quoted value may have spaces
    | (?P<key>["']?\b[\w-]*(?:secret|secret_?(?:access_?)?key|secret_?(?:code|hash|string)|token
        |api[_-]?key|signature)\\?["']?\s*[:=]\s*\\?["']?)
        (?:(?<=")[^"\\]{8,}|[^\s"',;&}\\]{8,})
    | (?P<amazon>X-Amz-(?:Signature|Security-Token|Credential)=)[^&\s"']+
    | SCRAM-SHA-256\$[\w$:+/=]+
    | \b(?:AKIA|ASIA)[A-Z0-9]{12,}\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

_SECRET_NAME = re.compile(r"(?:secret|passw(?:or)?d|token|private_?key|signature)$", re.IGNORECASE)


def redacted(text: str) -> str:
    """Return the text with tokens, passwords, keys and signatures replaced by `[removed]`."""
    return _SECRETS.sub(_without, text)


def redacted_field(name: str, text: str) -> str:
    """Return a field's text, or `[removed]` if the field's name says that it is secret."""
    return REMOVED if _SECRET_NAME.search(name) else redacted(text)


def _without(found: re.Match[str]) -> str:
    groups = ("scheme", "sql", "name", "key", "amazon")
    return next((found[each] for each in groups if found[each]), "") + REMOVED
