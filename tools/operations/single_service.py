"""The deployment of one service's code. Anything else must be unchanged since the last apply."""

import base64
import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from tools import ROOT
from tools.deploy import canary, live_alias, release
from tools.deploy.canary import Canary
from tools.deploy.environment import Environment
from tools.deploy.errors import RefusedError
from tools.deploy.live_alias import Shift
from tools.operations import new_migration

# the folder of the kernel, with the shared part of the contract and the code of the layer
SHARED = "atrium"
MISSING = "nothing"


def deploy(target: Environment, service: str, wanted: Canary | None) -> list[Shift]:
    """Deploy one service and return the shifts.

    Raise RefusedError with every obstacle, before any change.
    """
    if reasons := list(reasons_against(target, service)):
        raise RefusedError(
            "\n".join(
                [
                    f"{service} cannot be deployed to {target.name} alone:",
                    *(f"  {reason}" for reason in reasons),
                    f"Run `make deploy ENV={target.name}`, which applies these changes too.",
                ]
            )
        )
    client = target.client("lambda")
    name = target.output("functions")[service]
    live_alias.publish(client, name, (ROOT / "build" / "functions" / f"{service}.zip").read_bytes())
    shifts = live_alias.pending(client, [name])
    release.shift(client, canary.monitor(target), shifts, wanted)
    return shifts


def require_service(name: str) -> None:
    """Raise RefusedError if there is no such service."""
    known = sorted(file.parent.name for file in (ROOT / "functions").glob("*/function.yaml"))
    if name not in known:
        raise RefusedError(
            f"SERVICE={name} is not a service. SERVICE is one of: {', '.join(known)}."
        )


def reasons_against(target: Environment, service: str) -> Iterator[str]:
    folder = ROOT / "functions" / service
    if service not in target.output("functions"):
        yield f"{target.name} has no such function yet. An apply creates its role, log group, alias and alarms."
        return
    applied = target.output("function_declarations").get(service, {})
    for field, before, after in differences(
        applied, yaml.safe_load((folder / "function.yaml").read_text())
    ):
        yield f"functions/{service}/function.yaml: {field} was applied as {before}, but is {after} now."
    yield from _contract(target.output("contract_hashes"), service)
    yield from _kernel(target, service)
    yield from _migrations(target)


def differences(before: Any, after: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (path, before, after) of every value that differs."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in sorted({*before, *after}):
            yield from differences(
                before.get(name, MISSING),
                after.get(name, MISSING),
                f"{path}.{name}" if path else name,
            )
    elif before != after:
        yield path, before, after


def _contract(applied: Mapping[str, str], service: str) -> Iterator[str]:
    for folder in (service, SHARED):
        file = ROOT / "functions" / folder / "openapi.yaml"
        now = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
        if applied.get(folder) != now:
            yield f"functions/{folder}/openapi.yaml, part of the contract, has changed since the last apply."


def _migrations(target: Environment) -> Iterator[str]:
    """Yield pending migrations; any of them may be needed, since no service declares its tables."""
    applied = target.invoke("migrate", {"action": "status"})["applied"]
    for name in new_migration.names():
        if name not in applied:
            yield f"migrations/{name}.sql is not applied there yet."


def _kernel(target: Environment, service: str) -> Iterator[str]:
    """Yield the layers that differ from those with which this code was built."""
    client = target.client("lambda")
    configuration = client.get_function_configuration(
        FunctionName=target.output("functions")[service]
    )
    architecture = "local" if target.is_local else configuration["Architectures"][0]
    for arn in (one["Arn"] for one in configuration["Layers"]):
        name, version = arn.split(":")[-2:]
        kind = name.rpartition("-")[2]
        built = hashlib.sha256(
            (ROOT / "build" / "layer" / architecture / f"{kind}.zip").read_bytes()
        ).digest()
        layer = client.get_layer_version(LayerName=name, VersionNumber=int(version))
        if layer["Content"]["CodeSha256"] != base64.b64encode(built).decode():
            yield f"the layer {kind} (functions/atrium, or packages of pyproject.toml) has changed since the last apply."
