"""The alias `live`, through which every caller invokes a function: shift, canary and rollback.

Terraform publishes versions and creates the alias. Only this module moves it.
"""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tools.deploy import LIVE, interruption
from tools.deploy.errors import RefusedError

UNWEIGHTED: dict[str, dict[str, float]] = {"AdditionalVersionWeights": {}}


class OvertakenError(RefusedError):
    """Another release has moved an alias since this one read it. Nothing of it was overwritten."""


@dataclass
class Shift:
    """A function on its way from the live version to another one.

    `revision` is the alias's revision that this release has read. Lambda refuses a change with
    another revision, so an earlier release never overwrites a later one.
    """

    function: str
    before: str
    after: str
    revision: str


def pending(lambda_client: Any, functions: Iterable[str]) -> list[Shift]:
    """Return the functions whose newest version does not get all calls."""
    wanted = {function: newest(lambda_client, function)["Version"] for function in functions}
    return shifts_to(lambda_client, wanted)


def shifts_to(lambda_client: Any, wanted: Mapping[str, str]) -> list[Shift]:
    """Return the functions whose wanted version does not get all calls."""
    shifts = []
    for function, version in wanted.items():
        alias = lambda_client.get_alias(FunctionName=function, Name=LIVE)
        weighted = (alias.get("RoutingConfig") or UNWEIGHTED) != UNWEIGHTED
        if alias["FunctionVersion"] != version or weighted:
            shifts.append(Shift(function, alias["FunctionVersion"], version, alias["RevisionId"]))
    return shifts


def live(lambda_client: Any, functions: Iterable[str]) -> dict[str, str]:
    """Return each function's version that gets all calls; in a canary, all versions as text."""
    found = {}
    for function in functions:
        alias = lambda_client.get_alias(FunctionName=function, Name=LIVE)
        weights = (alias.get("RoutingConfig") or UNWEIGHTED)["AdditionalVersionWeights"]
        found[function] = " and ".join([alias["FunctionVersion"], *weights])
    return found


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


def set_weight(lambda_client: Any, shift: Shift, percent: int) -> None:
    """Route `percent` of the calls to the new version."""
    weights = {"AdditionalVersionWeights": {shift.after: percent / 100}}
    _move(lambda_client, shift, shift.before, weights)


def finish(lambda_client: Any, shift: Shift) -> None:
    _move(lambda_client, shift, shift.after, UNWEIGHTED)


def undo(lambda_client: Any, shifts: Iterable[Shift]) -> None:
    """Roll every function back to its old version, even if some fail.

    Raise RefusedError that names those. A function that a later release has moved stays as it is.
    Interruptions are deferred.
    """
    left = []
    with interruption.deferred("The functions are being rolled back"):
        for shift in shifts:
            try:
                _move(lambda_client, shift, shift.before, UNWEIGHTED)
            except OvertakenError as error:
                left.append(f"  {error}")
            except (BotoCoreError, ClientError) as error:
                by_hand = f"aws lambda update-alias {_by_hand(shift)}"
                left.append(f"  {shift.function}: {error}\n    {by_hand}")
    if left:
        what = "these functions could not be rolled back. Run the commands by hand:"
        raise RefusedError("\n".join([what, *left]))


def _by_hand(shift: Shift) -> str:
    weights = "--routing-config AdditionalVersionWeights={}"
    return f"--function-name {shift.function} --name {LIVE} --function-version {shift.before} {weights}"


def _move(
    lambda_client: Any, shift: Shift, version: str, routing: Mapping[str, Mapping[str, float]]
) -> None:
    """Point the alias at `version` and record its new revision. Raise OvertakenError."""
    moved = {"FunctionVersion": version, "RoutingConfig": routing}
    alias = {"FunctionName": shift.function, "Name": LIVE}
    try:
        answer = lambda_client.update_alias(**alias, **moved, RevisionId=shift.revision)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailedException":
            raise
        answer = lambda_client.get_alias(**alias)
        found = {
            "FunctionVersion": answer["FunctionVersion"],
            "RoutingConfig": answer.get("RoutingConfig") or UNWEIGHTED,
        }
        # If it is the requested change, the SDK had repeated a request whose answer was lost.
        if found != moved:
            raise OvertakenError(
                f"{shift.function}: another release has moved its alias meanwhile, so this one leaves it alone."
            ) from error
    shift.revision = answer["RevisionId"]


def publish(lambda_client: Any, function: str, code: bytes) -> str:
    """Publish this zip, unless the newest version runs it, and return the version.

    Callers stay on the old one.
    """
    # the form in which Lambda reports it
    sha256 = base64.b64encode(hashlib.sha256(code).digest()).decode()
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
