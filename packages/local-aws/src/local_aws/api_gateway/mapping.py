"""Values of `$context` in templates, response parameters and access log formats."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from local_aws.api_gateway.errors import NotEmulatedError

Context = dict[str, Any]

_NAME = r"context\.([A-Za-z_]\w*(?:\.[A-Za-z_][\w:]*)*)"
_REFERENCE = re.compile(rf"\$!?(?:\{{{_NAME}\}}|{_NAME})")
_OTHER_VTL = re.compile(
    r"\$!?\{?(?:input|util|stageVariables)\b|^\s*#(?:set|if|foreach)\b|#(?:if|foreach)\s*\(", re.M
)


def lookup(context: Context, name: str) -> str | None:
    """Return the text of a value such as `identity.sourceIp`; None if the context lacks it."""
    value: Any = context
    for part in name.split("."):
        if not isinstance(value, dict) or part not in value:
            return None
        value = value[part]
    return None if value is None else str(value)


def render(template: str, context: Context, missing: str = "") -> str:
    """Render a mapping template.

    Of VTL only `$context.…` is emulated; everything else raises `NotEmulatedError`.
    """
    first, *rest = _parts(template)
    return first + "".join(
        (lookup(context, name) or missing) + text
        for name, text in zip(rest[::2], rest[1::2], strict=True)
    )


@lru_cache(maxsize=1024)  # cached: a stage renders its access log with every request
def _parts(template: str) -> tuple[str, ...]:
    """Split a template into texts and names, which alternate; it begins and ends with a text."""
    check_template(template)
    parts, end = [], 0
    for match in _REFERENCE.finditer(template):
        parts += [template[end : match.start()], match[1] or match[2]]
        end = match.end()
    return (*parts, template[end:])


def check_template(template: str) -> None:
    """Raise `NotEmulatedError` for a template with more than `$context.…`."""
    if other := _OTHER_VTL.search(template):
        raise NotEmulatedError(
            f"{other.group().strip()!r} in a mapping template (only $context.… is emulated)"
        )


def check_parameter(expression: str) -> None:
    """Raise `NotEmulatedError` for a response parameter that `parameter` cannot evaluate."""
    parameter(expression, {}, {})


def parameter(expression: str, context: Context, request_headers: Mapping[str, str]) -> str | None:
    """Evaluate a response parameter; return None if it has no value.

    Its forms are `'text'`, `context.…` and `method.request.header.…`.
    """
    if len(expression) >= 2 and expression[0] == expression[-1] == "'":
        return expression[1:-1]
    source, _, name = expression.removeprefix("$").partition(".")
    if source == "context":
        return lookup(context, name)
    if expression.startswith("method.request.header."):
        return request_headers.get(expression.removeprefix("method.request.header."))
    raise NotEmulatedError(
        f"response parameter {expression!r} "
        "(emulated are 'text', context.… and method.request.header.…)"
    )


def by_accept(templates: Mapping[str, str], accept: str) -> tuple[str, str] | None:
    """Choose the template by the client's Accept header.

    The order is: an exact media type, application/json, the first template.
    """
    if not templates:
        return None
    for wanted in (part.split(";")[0].strip() for part in accept.split(",")):
        if wanted in templates:
            return wanted, templates[wanted]
    key = "application/json" if "application/json" in templates else next(iter(templates))
    return key, templates[key]
