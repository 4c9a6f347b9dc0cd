"""Terraform in `envs/<name>`: its variables from the configuration, its state in the configuration's bucket."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.deploy import configuration
from tools.deploy.configuration import Configuration
from tools.deploy.terraform import providers
from tools.deploy.terraform.binary import terraform

TOOLS = ROOT / ".local"  # where `make up` keeps a terraform that it had to fetch


class TerraformFailedError(Exception):
    """Terraform's own words."""


@dataclass(frozen=True)
class Change:
    """What a plan would do to one resource: create, update, delete, replace."""

    action: str
    address: str


@dataclass(frozen=True)
class Plan:
    """A saved plan; its file holds values that are nobody's business, and is gone with its folder."""

    file: Path
    changes: list[Change]


@dataclass(frozen=True)
class Root:
    """`envs/<name>` of a configuration that was exported."""

    folder: Path
    configuration: Configuration

    def init(self) -> None:
        """Raises TerraformFailedError."""
        self._read(
            "init",
            "-input=false",
            "-no-color",
            "-reconfigure",
            "-lockfile=readonly",
            *self.configuration.backend(),
        )

    @contextmanager
    def plan(self, *, lock: bool) -> Iterator[Plan]:
        """Shows it while it is made. Raises TerraformFailedError."""
        with tempfile.TemporaryDirectory() as private:
            file = Path(private) / "plan"
            self._show("plan", "-input=false", f"-lock={str(lock).lower()}", f"-out={file}")
            shown = json.loads(self._read("show", "-json", "-no-color", str(file)))
            yield Plan(file, list(_changes(shown)))

    def apply(self, plan: Plan) -> None:
        """Raises TerraformFailedError; what it had done until then stays, and the next plan goes on from there."""
        self._show("apply", "-input=false", str(plan.file))

    def destroy(self, *, sure: bool) -> None:
        """Terraform asks, unless it is sure. Raises TerraformFailedError; what is gone by then stays gone."""
        self._show("destroy", *(["-auto-approve"] if sure else []))

    def resources(self) -> list[dict[str, Any]]:
        """What Terraform knows to exist: address, values, …, without data sources. Raises TerraformFailedError."""
        self._require_backend()
        shown = json.loads(self._read("show", "-json", "-no-color"))
        return list(_managed(shown.get("values", {}).get("root_module", {})))

    def holds(self, address: str) -> bool:
        """Raises TerraformFailedError."""
        return address in [resource["address"] for resource in self.resources()]

    def adopt(self, address: str, identity: str) -> None:
        """Takes what exists already into the state. Raises TerraformFailedError."""
        self._show("import", "-input=false", address, identity)

    def outputs(self) -> dict[str, Any]:
        """Of the last apply; empty before the first. Raises TerraformFailedError."""
        self._require_backend()
        shown = json.loads(self._read("output", "-json", "-no-color"))
        return {name: entry["value"] for name, entry in shown.items()}

    def _require_backend(self) -> None:
        data = self.folder / os.environ.get("TF_DATA_DIR", ".terraform")
        if not (data / "terraform.tfstate").is_file():  # where Terraform notes its backend
            self.init()

    def _read(self, *arguments: str) -> str:
        done = subprocess.run(
            [terraform(TOOLS / "bin"), *arguments],
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise TerraformFailedError(
                f"terraform {arguments[0]} in {self.folder.name}: {(done.stderr or done.stdout).strip()}"
            )
        return done.stdout

    def _show(self, *arguments: str) -> None:
        plain = [] if sys.stdout.isatty() else ["-no-color"]
        command = [terraform(TOOLS / "bin"), arguments[0], *plain, *arguments[1:]]
        done = subprocess.run(command, cwd=self.folder, env=_environment())
        if done.returncode:
            raise TerraformFailedError(
                f"terraform {arguments[0]} of {self.folder.name} failed; it said why above."
            )


def root(name: str) -> Root:
    """Checks and exports the configuration of `envs/<name>` first. Raises ConfigurationError."""
    read = configuration.read(name)
    read.export()
    return Root(ROOT / "envs" / name, read)


def _environment() -> dict[str, str]:
    return os.environ | providers.environment(TOOLS) | {"TF_IN_AUTOMATION": "1"}


def _managed(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (
        resource for resource in module.get("resources", []) if resource["mode"] == "managed"
    )
    for child in module.get("child_modules", []):
        yield from _managed(child)


def _changes(plan: dict[str, Any]) -> Iterator[Change]:
    for resource in plan.get("resource_changes", []):
        actions = resource["change"]["actions"]
        if actions not in (["no-op"], ["read"]):
            yield Change("replace" if len(actions) == 2 else actions[0], resource["address"])
