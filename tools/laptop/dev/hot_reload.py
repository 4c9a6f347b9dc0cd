"""Hot reload: build `functions/` and release it to the running stack by code, version and alias.

Terraform sees no drift, since the deployed zips are those in `build/` afterwards.
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
from tools.deploy import LIVE

MADE_BY = "make dev"  # the description by which versions and layers of `make dev` are recognised
AT_ONCE = 2  # workers that start in parallel, since a start is bound by the CPU


@dataclass(frozen=True)
class Outcome:
    """The outcome for one function, named by its folder; `refused` is the output of a failed start."""

    function: str
    seconds: float  # since the reload began
    refused: list[str]


@dataclass(frozen=True)
class _Release:
    """The code and layers that a function must run, compared with its `$LATEST`."""

    function: str
    code: bytes
    layers: list[str]


class HotReload:
    """The builder and releaser of changed functions; `deployed` maps a folder to its function's name."""

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
        """Record an invocation, because the function that was invoked last is released first."""
        self._called[name] = time.monotonic()

    def reload(self) -> Iterator[BuildError | Outcome]:
        """Build, then release; yield each build error and the outcome of each outdated function."""
        started = time.monotonic()
        yield from self._build_outdated()
        for function, refused in self.release():
            yield Outcome(function, time.monotonic() - started, refused)

    def release(self) -> Iterator[tuple[str, list[str]]]:
        """Release every outdated function; yield its name and the output of a failed start."""
        releases = sorted(
            self._outdated(), key=lambda one: -self._called.get(self._deployed[one.function], 0.0)
        )
        # The first one runs alone, because the developer waits for it.
        for release in releases[:1]:
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
        """Build the outdated artefacts; a function that fails keeps its zip and stops no other."""
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
                # The other layers hold locked packages, which `make up` updates.
                others = [arn for arn in layers[function] if arn != _kernel_of(layers[function])]
                yield _Release(function, code, [kernel, *others])

    def _zip(self, function: str) -> Path:
        return self._build / "functions" / f"{function}.zip"

    def _kernel(self, live: set[str]) -> str:
        """Return the layer version with the content of `build/`: one that is in use, or a new one."""
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
        """Return the layer's hash; None if the layer was deleted.

        Functions go on using a deleted layer.
        """
        version = int(arn.rpartition(":")[2])
        try:
            found = self._lambda.get_layer_version(
                LayerName=_layer_name(arn), VersionNumber=version
            )
        except self._lambda.exceptions.ResourceNotFoundException:
            return None
        return str(found["Content"]["CodeSha256"])

    def _release(self, release: _Release) -> list[str]:
        """Release a version if it starts; return its output if it does not."""
        name = self._deployed[release.function]
        latest = self._lambda.get_function_configuration(FunctionName=name)
        if latest["CodeSha256"] != _sha256(
            release.code
        ):  # Otherwise every snapshot would have a copy of the code for each version.
            self._lambda.update_function_code(FunctionName=name, ZipFile=release.code)
        self._lambda.update_function_configuration(FunctionName=name, Layers=release.layers)
        version = self._lambda.publish_version(FunctionName=name, Description=MADE_BY)["Version"]
        refused = self._start_worker(name, version)
        if not refused:
            self._lambda.update_alias(FunctionName=name, Name=LIVE, FunctionVersion=version)
        return refused

    def _start_worker(self, name: str, version: str) -> list[str]:
        """Start a worker, so that the next request has no cold start and broken code is not released."""
        url = f"{self._endpoint}/_local/functions/{name}/versions/{version}/worker"
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="POST")).close()
        except urllib.error.HTTPError as error:
            output: list[str] = json.load(error)["output"]
            return output
        return []

    def _delete_kernels_except(self, used: str) -> None:
        """Delete unused layer versions of `make dev`, which take a megabyte of memory each."""
        name = _layer_name(used)
        for version in self._lambda.list_layer_versions(LayerName=name)["LayerVersions"]:
            if version.get("Description") == MADE_BY and version["LayerVersionArn"] != used:
                self._lambda.delete_layer_version(LayerName=name, VersionNumber=version["Version"])


def _kernel_of(layers: list[str]) -> str:
    return next(arn for arn in layers if _layer_name(arn).endswith(f"-{KERNEL_LAYER}"))


def _layer_name(arn: str) -> str:
    return arn.split(":")[-2]


def _sha256(content: bytes) -> str:
    """Return the SHA-256 in Lambda's form."""
    return base64.b64encode(hashlib.sha256(content).digest()).decode()
