"""The settings of a function: environment variables. docs/architecture.md lists them."""

import os
from functools import cache


class MissingSettingError(Exception):
    """An environment variable that this function needs is not set."""


@cache
def required(name: str) -> str:
    """Return the variable's value. Raise MissingSettingError if it is absent or empty."""
    value = os.environ.get(name)
    if not value:
        service = os.environ.get("ATRIUM_SERVICE", "<name>")
        raise MissingSettingError(
            f"Environment variable {name} is not set. What provides it must be declared in "
            f"functions/{service}/function.yaml: see 'Environment of a function' in docs/architecture.md."
        )
    return value


@cache
def optional(name: str, default: str = "") -> str:
    """Return the variable's value, or `default` if it is absent or empty."""
    return os.environ.get(name) or default
