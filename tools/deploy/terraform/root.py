"""Terraform in `envs/<name>`, with variables from the configuration and remote state."""

import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_aws.callers_environment import for_terraform
from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from tools import ROOT
from tools.deploy import configuration
from tools.deploy.configuration import Configuration
from tools.deploy.terraform import child, known_failures, planned
from tools.deploy.terraform.planned import ResourceChange

Seen = Callable[[str], None]

TOOLS = ROOT / ".local"  # the folder where `make up` stores a Terraform that it has downloaded


LOCK_TIMEOUT = "300s"


def lock_timeout() -> str:
    """Return LOCK_TIMEOUT: how long Terraform waits for another run's lock, such as `5m`."""
    return os.environ.get("LOCK_TIMEOUT") or LOCK_TIMEOUT


class TerraformFailedError(Exception):
    """A terraform command failed. The message is Terraform's own."""


@dataclass(frozen=True)
class Plan:
    """A saved plan. Its file holds secret values, and is deleted with its temporary folder."""

    file: Path
    changes: list[ResourceChange]


@dataclass(frozen=True)
class Root:
    """The root `envs/<name>` with its exported configuration."""

    folder: Path
    configuration: Configuration

    def init(self) -> None:
        """Run `terraform init`. Raise TerraformFailedError if it fails."""
        self._read(
            "init",
            "-input=false",
            "-no-color",
            "-reconfigure",
            "-lockfile=readonly",
            *self.configuration.backend(),
        )

    @contextmanager
    def plan(self, *, lock: bool, destroy: bool = False) -> Iterator[Plan]:
        """Create a plan and show Terraform's output. Raise TerraformFailedError if it fails."""
        with tempfile.TemporaryDirectory() as private:
            file = Path(private) / "plan"
            locking = [f"-lock-timeout={lock_timeout()}"] if lock else ["-lock=false"]
            whole = ["-destroy"] if destroy else []
            self._show("plan", "-input=false", *locking, *whole, f"-out={file}")
            yield self.read_plan(file)

    def read_plan(self, file: Path) -> Plan:
        """Read a saved plan. Raise TerraformFailedError if it cannot be read."""
        shown = json.loads(self._read("show", "-json", "-no-color", str(file)))
        return Plan(file, list(planned.changes(shown)))

    def apply(self, plan: Plan, seen: Seen | None = None) -> None:
        """Apply a plan, unless the state has changed since it was created.

        Pass each line to `seen`. Raise TerraformFailedError if it fails; completed changes stay.
        """
        options = ["-input=false", f"-lock-timeout={lock_timeout()}"]
        self._show("apply", *options, str(plan.file), seen=seen)

    def resources(self) -> list[dict[str, Any]]:
        """Return the managed resources of the state.

        Raise TerraformFailedError if it cannot be read.
        """
        self._require_backend()
        shown = json.loads(self._read("show", "-json", "-no-color"))
        return list(_managed(shown.get("values", {}).get("root_module", {})))

    def holds(self, address: str) -> bool:
        """Return True if the state has this resource.

        Raise TerraformFailedError if it cannot be read.
        """
        return address in [resource["address"] for resource in self.resources()]

    def adopt(self, address: str, identity: str) -> None:
        """Import an existing resource into the state. Raise TerraformFailedError if it fails."""
        self._show("import", "-input=false", address, identity)

    def outputs(self) -> dict[str, Any]:
        """Return the outputs of the last apply, if any.

        Raise TerraformFailedError if they cannot be read.
        """
        self._require_backend()
        shown = json.loads(self._read("output", "-json", "-no-color"))
        return {name: entry["value"] for name, entry in shown.items()}

    def _require_backend(self) -> None:
        # the file where Terraform records its backend
        if not (self.folder / ".terraform/terraform.tfstate").is_file():
            self.init()

    def _read(self, *arguments: str) -> str:
        done = child.run(
            [terraform(TOOLS / "bin"), *arguments], self.folder, _environment(), capture=True
        )
        if done.returncode:
            message = (done.stderr or done.stdout).strip()
            raise TerraformFailedError(
                f"terraform {arguments[0]} in {self.folder.name} failed: {message}"
                f"\n{known_failures.remedy(message)}".rstrip()
            )
        return done.stdout

    def _show(self, *arguments: str, seen: Seen | None = None) -> None:
        plain = [] if sys.stdout.isatty() else ["-no-color"]
        command = [terraform(TOOLS / "bin"), arguments[0], *plain, *arguments[1:]]
        done = child.run(command, self.folder, _environment(), capture=False, seen=seen)
        if done.returncode:
            raise TerraformFailedError(
                f"terraform {arguments[0]} in {self.folder.name} failed. Its message is above. "
                f"If the state is locked by a run that has ended: make unlock ENV={self.folder.name}"
            )


def root(name: str) -> Root:
    """Check and export the configuration of `envs/<name>`.

    Raise ConfigurationError if it is wrong.
    """
    read = configuration.read(name)
    read.export()
    return Root(ROOT / "envs" / name, read)


def _environment() -> dict[str, str]:
    return for_terraform(os.environ) | providers.environment(TOOLS) | {"TF_IN_AUTOMATION": "1"}


def _managed(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (
        resource for resource in module.get("resources", []) if resource["mode"] == "managed"
    )
    for inner in module.get("child_modules", []):
        yield from _managed(inner)
