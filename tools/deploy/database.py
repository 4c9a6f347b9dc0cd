"""The database of an environment, prepared by its own functions."""

from collections.abc import Callable, Mapping
from typing import Any

Invoke = Callable[[str, Mapping[str, Any]], Any]
"""Invokes the function in the named folder with an event."""


def prepare_database(invoke: Invoke, to: Mapping[str, str]) -> dict[str, Any]:
    """Make what the database lacks: roles, their passwords, signing keys, and the migrations up to `to`."""
    invoke("migrate", {"action": "bootstrap"})
    invoke("db_credentials", {"only_missing": True})
    invoke("migrate", {"action": "make_signing_keys"})
    invoke("migrate", {"action": "prepare_items"})
    answer: dict[str, Any] = invoke("migrate", {"action": "apply", **to})
    return answer
