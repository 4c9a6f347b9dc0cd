"""Puts what `functions/` says now into the running stack, through the doors of a release: code, version, alias.

Terraform stays at peace: it compares the zips in `build/` with the deployed ones, and those are the same after this.
"""

import base64
import hashlib
import json
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.build import inventory, layer
from tools.build.declarations import KERNEL_LAYER, read_functions
from tools.build.errors import BuildError
from tools.build.wheels import LOCAL

LIVE = "live"
MADE_BY = "make dev"  # the description of our versions and layers
AT_ONCE = 2  # workers that start at the same time: each is pure CPU


@dataclass(frozen=True)
class Outcome:
    """What became of one function, by its folder. `refused` is what its new code wrote when it did not start."""

    function: str
    seconds: float  # since the reload began
    refused: list[str]


@dataclass(frozen=True)
class _Release:
    """What a function has to run. Both parts are held against `$LATEST`, where a refused version has left its own."""

    function: str
    code: bytes
    layers: list[str]


class HotReload:
    """`deployed` maps a function's folder to its name. `lambda_client` is boto3's, of the stack at `aws_endpoint_url`."""

    def __init__(
        self, root: Path, deployed: Mapping[str, str], lambda_client: Any, aws_endpoint_url: str
    ) -> None:
        self._root = root
        self._build = root / "build"
        self._deployed = deployed
        self._lambda = lambda_client
        self._endpoint = aws_endpoint_url
        self._called: dict[str, float] = {}

    def called(self, name: str) -> None:
        """The function of this name was invoked; the one that was invoked last is released first."""
        self._called[name] = time.monotonic()

    def reload(self) -> Iterator[BuildError | Outcome]:
        """Builds, then releases: what must not be deployed, and what became of each function that was outdated."""
        started = time.monotonic()
        yield from self._build_outdated()
        for function, refused in self.release():
            yield Outcome(function, time.monotonic() - started, refused)

    def release(self) -> Iterator[tuple[str, list[str]]]:
        """Makes every function live as built, if it is not; with each, what it wrote when its new code did not start."""
        releases = sorted(
            self._outdated(), key=lambda one: -self._called.get(self._deployed[one.function], 0.0)
        )
        for release in releases[:1]:  # alone, since somebody waits for it
            yield release.function, self._release(release)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            under_way = {
                pool.submit(self._release, release): release.function for release in releases[1:]
            }
            for done in as_completed(under_way):
                yield under_way[done], done.result()
        if releases:
            self._delete_kernels_except(_kernel_of(releases[0].layers))

    def _build_outdated(self) -> Iterator[BuildError]:
        """A function that cannot be built keeps its zip, and none of the others waits for it."""
        stamps = self._build / ".cache" / "stamps"
        try:
            functions = read_functions(self._root)
            for artefact in inventory.documents(self._root, self._build, functions):
                artefact.refresh(stamps)
            packages = inventory.packages(self._root, self._build, functions, [LOCAL])
        except BuildError as error:
            yield error
            return
        for artefact in packages:
            try:
                artefact.refresh(stamps)
            except BuildError as error:
                yield error

    def _outdated(self) -> Iterator[_Release]:
        live = {
            function: self._lambda.get_function_configuration(FunctionName=name, Qualifier=LIVE)
            for function, name in self._deployed.items()
            if self._zip(function).is_file()
        }
        layers = {
            name: [str(one["Arn"]) for one in configuration["Layers"]]
            for name, configuration in live.items()
        }
        kernel = self._kernel(set(map(_kernel_of, layers.values())))
        for function, configuration in live.items():
            code = self._zip(function).read_bytes()
            if configuration["CodeSha256"] != _sha256(code) or kernel not in layers[function]:
                # The others hold locked packages, which change with `make up`.
                others = [arn for arn in layers[function] if arn != _kernel_of(layers[function])]
                yield _Release(function, code, [kernel, *others])

    def _zip(self, function: str) -> Path:
        return self._build / "functions" / f"{function}.zip"

    def _kernel(self, live: set[str]) -> str:
        """The layer version that holds what `build/` does: one that is in use, or a new one."""
        content = layer.path_of(self._build, LOCAL, KERNEL_LAYER).read_bytes()
        for arn in sorted(live):
            if self._layer_sha256(arn) == _sha256(content):
                return arn
        name = _layer_name(min(live))
        made = self._lambda.publish_layer_version(
            LayerName=name, Description=MADE_BY, Content={"ZipFile": content}
        )
        return str(made["LayerVersionArn"])

    def _layer_sha256(self, arn: str) -> str | None:
        """None if it was deleted since; the functions that use it go on."""
        version = int(arn.rpartition(":")[2])
        try:
            found = self._lambda.get_layer_version(
                LayerName=_layer_name(arn), VersionNumber=version
            )
        except self._lambda.exceptions.ResourceNotFoundException:
            return None
        return str(found["Content"]["CodeSha256"])

    def _release(self, release: _Release) -> list[str]:
        """What a version that does not start wrote. One that starts becomes the live one."""
        name = self._deployed[release.function]
        latest = self._lambda.get_function_configuration(FunctionName=name)
        if latest["CodeSha256"] != _sha256(
            release.code
        ):  # or each version had a copy of its own, in every snapshot
            self._lambda.update_function_code(FunctionName=name, ZipFile=release.code)
        self._lambda.update_function_configuration(FunctionName=name, Layers=release.layers)
        version = self._lambda.publish_version(FunctionName=name, Description=MADE_BY)["Version"]
        refused = self._start_worker(name, version)
        if not refused:
            self._lambda.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=version)
        return refused

    def _start_worker(self, name: str, version: str) -> list[str]:
        """Spares the next request the cold start, and keeps code that fails at its import from being served."""
        url = f"{self._endpoint}/_atrium/functions/{name}/versions/{version}/worker"
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="POST")).close()
        except urllib.error.HTTPError as error:
            output: list[str] = json.load(error)["output"]
            return output
        return []

    def _delete_kernels_except(self, used: str) -> None:
        """Our own: a megabyte each, in the stack's memory and in its snapshot."""
        name = _layer_name(used)
        for version in self._lambda.list_layer_versions(LayerName=name)["LayerVersions"]:
            if version.get("Description") == MADE_BY and version["LayerVersionArn"] != used:
                self._lambda.delete_layer_version(LayerName=name, VersionNumber=version["Version"])


def _kernel_of(layers: list[str]) -> str:
    return next(arn for arn in layers if _layer_name(arn).endswith(f"-{KERNEL_LAYER}"))


def _layer_name(arn: str) -> str:
    return arn.split(":")[-2]


def _sha256(content: bytes) -> str:
    """As Lambda tells it."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
