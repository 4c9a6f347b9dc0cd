"""A function's settings: its environment variables, each read once. docs/architecture.md lists them."""

import os
from functools import cache


class MissingSettingError(Exception):
    """A variable that this function needs is not in its environment."""


@cache
def required(name: str) -> str:
    """The variable's value. Raises MissingSettingError, naming it, when it is absent or empty."""
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
    """The variable's value, or `default` when it is absent or empty."""
    return os.environ.get(name) or default
