"""The scratch root: a copy of an environment's files with a local backend, in the state folder.

No generated file lies in `envs/`, where a real apply could read it. Modules, functions and build
output are links, so that the environment's relative paths work as in the repository.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local_aws.settings import ACCOUNT_ID, Settings
from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from local_aws.terraform.command import OnEvent, TerraformCommand, TerraformError
from local_aws.terraform.environment import aws_environment
from local_aws.terraform.record import Record

ENVIRONMENT = "dev"  # what `make up` applies; `stack_settings` gives its name to snapshots
ENVIRONMENT_FILES = ("*.tf", ".terraform.lock.hcl")


_ADVICE = """\
The aws provider is not on this machine and registry.terraform.io cannot be reached.
Connect to the internet once and run `make up` again, or copy the provider from another machine:
  there:  cd envs/dev && terraform providers mirror FOLDER
  here:   TF_PLUGIN_MIRROR=FOLDER make up"""


class ScratchRoot:
    """A copy of `envs/<name>` that Terraform applies to the local endpoint."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.folder = settings.state / "terraform" / "envs" / name
        self.record = Record.of(settings, name)
        self._source = settings.root / "envs" / name
        self._command = terraform(settings.state / "bin")

    def write(self) -> None:
        """Copy the environment's files, and delete those that `envs/` no longer has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.tf"):
            old.unlink()
        for pattern in ENVIRONMENT_FILES:
            for file in self._source.glob(pattern):
                shutil.copy2(file, self.folder / file.name)
        (self.folder / "backend_override.tf").write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{self.record.state}"\n  }}\n}}\n'
        )
        (self.folder / "terraform.tfvars.json").write_text(json.dumps({"account_id": ACCOUNT_ID}))
        self._link_siblings()

    def _link_siblings(self) -> None:
        base = self.settings.state / "terraform"
        _link(base / "modules", self.settings.root / "modules")
        _link(base / "functions", self.settings.root / "functions")
        build = self.settings.root / "build"
        (base / "build" / "layer").mkdir(parents=True, exist_ok=True)
        for name in ("functions", "gateway.json", "layers.json", "openapi.json"):
            _link(base / "build" / name, build / name)
        # Layers are the only artefacts that differ on a laptop: they hold wheels for this machine.
        for architecture in ("arm64", "x86_64"):
            _link(base / "build" / "layer" / architecture, build / "layer" / "local")

    def init(self) -> bool:
        """Run `terraform init` and return True, unless its inputs are unchanged."""
        stamp = self.folder / ".terraform" / "atrium.stamp"
        wanted = self._init_inputs()
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        # Terraform stores resolved paths of modules, which are wrong if the checkout was moved.
        shutil.rmtree(self.folder / ".terraform" / "modules", ignore_errors=True)
        try:
            self._run("init", "-input=false", "-no-color", "-reconfigure")
        except TerraformError as error:
            raise TerraformError(
                f"{error}\n\n{_ADVICE}" if "provider" in str(error) else str(error)
            ) from None
        stamp.write_text(wanted)
        return True

    def _init_inputs(self) -> str:
        """Return a digest of all that `terraform init` reads: versions, lock file and module calls."""
        digest = hashlib.sha256(str(self.settings.root).encode())
        for file in sorted([*self.folder.glob("*.tf"), *self.folder.glob(".terraform.lock.hcl")]):
            digest.update(file.read_bytes())
        for file in sorted(self.settings.root.glob("modules/*/versions.tf")):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def inputs(self) -> str:
        """Return a digest of an apply's inputs: what Terraform reads, and the emulator's source."""
        digest = hashlib.sha256(
            f"{self._command} {self.settings.api_port} {self.settings.aws_port}".encode()
        )
        for name, value in sorted(os.environ.items()):
            if name.startswith("TF_"):
                digest.update(f"{name}={value}\0".encode())
        for file in sorted(self._input_files()):
            digest.update(f"{file}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()

    def _input_files(self) -> Iterator[Path]:
        root, built = self.settings.root, self.settings.state / "terraform" / "build"
        for folder, pattern in (
            (self.folder, "*.tf*"),
            (self.folder, ".terraform.lock.hcl"),
            (root, "modules/**/*.*"),
            (root, "functions/*/function.yaml"),
            (built, "**/*"),
            (root, "packages/local-aws/src/**/*.py"),
            (root, "tools/laptop/**/*.py"),
            (self.settings.state, "ports.json"),
        ):
            found = folder.glob(pattern, recurse_symlinks=True)
            yield from (file for file in found if file.is_file() and ".terraform/" not in str(file))

    def apply(
        self, on_event: OnEvent, started: Callable[[TerraformCommand], None] = lambda _: None
    ) -> None:
        """Apply, and pass each of Terraform's JSON events to `on_event`.

        Raises:
            TerraformError: It failed or was killed; if killed, `record.apply_cut_off` stays True.
        """
        command = self._start("apply", "-auto-approve", "-input=false", "-json", "-parallelism=30")
        self.record.mark(command.pid)
        started(command)
        try:
            self._follow(command, on_event)
        finally:
            if command.ended_itself:
                self.record.unmark()

    def destroy(self) -> None:
        """Destroy all resources. Raise TerraformError if it fails."""
        self._follow(
            self._start("destroy", "-auto-approve", "-input=false", "-json", "-parallelism=30"),
            lambda _: None,
        )

    def planned_changes(self) -> list[tuple[str, str]]:
        """Return the (action, address) of each planned change; empty if there is no drift."""
        events: list[dict[str, Any]] = []
        self._follow(self._start("plan", "-input=false", "-json"), events.append)
        changes = [event["change"] for event in events if event.get("type") == "planned_change"]
        return [(change["action"], change["resource"]["addr"]) for change in changes]

    def outputs(self) -> dict[str, Any]:
        shown = json.loads(self._run("output", "-json").stdout)
        return {name: entry["value"] for name, entry in shown.items()}

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._command, *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment(), capture_output=True, text=True
        )
        if done.returncode:
            raise TerraformError((done.stderr or done.stdout).strip())
        return done

    def _start(self, *arguments: str) -> TerraformCommand:
        return TerraformCommand([self._command, *arguments], self.folder, self._environment())

    def _follow(self, command: TerraformCommand, on_event: OnEvent) -> None:
        errors: list[str] = []

        def keep_errors(event: dict[str, Any]) -> None:
            if event.get("@level") == "error":
                errors.append(_error_text(event))
            on_event(event)

        command.follow(keep_errors)
        if errors:
            raise TerraformError("\n".join(errors))

    def _environment(self) -> dict[str, str]:
        # The caller's AWS settings (profile, token, endpoints) must not reach the laptop's stack.
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        # The provider is short-lived, and garbage collection takes a third of its time.
        return (
            {"GOGC": "400"}
            | inherited
            | aws_environment(self.settings)
            | providers.environment(self.settings.state)
            | {"TF_IN_AUTOMATION": "1"}
        )


def _error_text(event: dict[str, Any]) -> str:
    diagnostic = event.get("diagnostic") or {}
    where = diagnostic.get("address") or diagnostic.get("range", {}).get("filename", "")
    return " ".join(
        part
        for part in (
            event.get("@message", ""),
            f"({where})" if where else "",
            diagnostic.get("detail", ""),
        )
        if part
    )


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() or link.exists():
        link.unlink()
    link.symlink_to(target)
