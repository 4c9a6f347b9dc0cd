"""The alias `live`, through which every caller invokes a function: shift, canary and rollback.

Terraform publishes versions and creates the alias. Only this module moves it.
"""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy.errors import RefusedError

LIVE = "live"
UNWEIGHTED: dict[str, dict[str, float]] = {"AdditionalVersionWeights": {}}


@dataclass(frozen=True)
class Shift:
    """One function on its way from the version that is live to its newest."""

    function: str
    before: str
    after: str


def pending(lambda_client: Any, functions: Iterable[str]) -> list[Shift]:
    """Return the functions whose newest version does not get all calls, also after an interrupted release."""
    shifts = []
    for function in functions:
        alias = lambda_client.get_alias(FunctionName=function, Name=LIVE)
        after = newest(lambda_client, function)["Version"]
        if (
            alias["FunctionVersion"] != after
            or (alias.get("RoutingConfig") or UNWEIGHTED) != UNWEIGHTED
        ):
            shifts.append(Shift(function, alias["FunctionVersion"], after))
    return shifts


def newest(lambda_client: Any, function: str) -> dict[str, Any]:
    """Return the configuration of the version that was published last."""
    found: dict[str, Any] = max(
        versions(lambda_client, function), key=lambda version: int(version["Version"])
    )
    return found


def versions(lambda_client: Any, function: str) -> list[dict[str, Any]]:
    """Return the configurations of all published versions."""
    pages = lambda_client.get_paginator("list_versions_by_function").paginate(FunctionName=function)
    return [
        version for page in pages for version in page["Versions"] if version["Version"] != "$LATEST"
    ]


def weigh(lambda_client: Any, shift: Shift, percent: int) -> None:
    """Route `percent` of the calls to the new version."""
    weights = {"AdditionalVersionWeights": {shift.after: percent / 100}}
    lambda_client.update_alias(
        FunctionName=shift.function, Name=LIVE, FunctionVersion=shift.before, RoutingConfig=weights
    )


def finish(lambda_client: Any, shift: Shift) -> None:
    _point(lambda_client, shift.function, shift.after)


def undo(lambda_client: Any, shifts: Iterable[Shift]) -> None:
    """Roll every function back to its old version, even if some fail. Raise RefusedError naming those."""
    left = []
    for shift in shifts:
        try:
            _point(lambda_client, shift.function, shift.before)
        except (BotoCoreError, ClientError) as error:
            left.append(
                f"  {shift.function}: {error}\n    aws lambda update-alias {_by_hand(shift)}"
            )
    if left:
        raise RefusedError(
            "\n".join(
                ["these functions could not be rolled back. Run these commands by hand:", *left]
            )
        )


def _by_hand(shift: Shift) -> str:
    weights = "--routing-config AdditionalVersionWeights={}"
    return f"--function-name {shift.function} --name {LIVE} --function-version {shift.before} {weights}"


def _point(lambda_client: Any, function: str, version: str) -> None:
    lambda_client.update_alias(
        FunctionName=function, Name=LIVE, FunctionVersion=version, RoutingConfig=UNWEIGHTED
    )


def publish(lambda_client: Any, function: str, code: bytes) -> str:
    """Publish this zip, unless the newest version runs it, and return the version. Callers stay on the old one."""
    sha256 = base64.b64encode(hashlib.sha256(code).digest()).decode()  # as Lambda tells it
    found = newest(lambda_client, function)
    if found["CodeSha256"] == sha256:
        return str(found["Version"])
    lambda_client.update_function_code(FunctionName=function, ZipFile=code)
    lambda_client.get_waiter("function_updated_v2").wait(FunctionName=function)
    version = str(
        lambda_client.publish_version(FunctionName=function, CodeSha256=sha256)["Version"]
    )
    lambda_client.get_waiter("published_version_active").wait(
        FunctionName=function, Qualifier=version
    )
    return version
