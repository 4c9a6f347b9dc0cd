"""Pruning of published versions that no alias names.

Each version keeps its code, with SnapStart a billed snapshot, and in a VPC its network interfaces.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tools.deploy import live_alias

KEPT = 3
"""The number of a function's newest versions that stay for a rollback, even without an alias."""


def prune(
    lambda_client: Any,
    functions: Iterable[str],
    recorded: Sequence[Mapping[str, str]] = (),
    kept: int = KEPT,
) -> dict[str, list[str]]:
    """Delete versions that are neither among the newest nor named; return them by function.

    Aliases name versions, and so do the `recorded` releases, which `make rollback` can restore.
    """
    deleted: dict[str, list[str]] = {}
    for function in functions:
        restorable = {release.get(function) for release in recorded}
        for version in _unused(lambda_client, function, kept):
            if version in restorable:
                continue
            lambda_client.delete_function(FunctionName=function, Qualifier=version)
            deleted.setdefault(function, []).append(version)
    return deleted


def _unused(lambda_client: Any, function: str, kept: int) -> list[str]:
    published = sorted(
        int(each["Version"]) for each in live_alias.versions(lambda_client, function)
    )
    named = _named_by_aliases(lambda_client, function)
    return [str(version) for version in published[:-kept] if str(version) not in named]


def _named_by_aliases(lambda_client: Any, function: str) -> set[str]:
    named: set[str] = set()
    for page in lambda_client.get_paginator("list_aliases").paginate(FunctionName=function):
        for alias in page["Aliases"]:
            weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
            named |= {alias["FunctionVersion"], *weights}
    return named
