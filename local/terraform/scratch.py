"""A scratch root: a copy of an environment's files, plus what only a laptop wants, under the state folder.

Nothing generated lies in `envs/`, where a real apply could pick it up. Modules, functions and build output are links, so the
environment's relative paths mean what they mean in the repository.
"""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from local.settings import ACCOUNT_ID, Settings
from local.terraform import providers
from local.terraform.binary import terraform

ENVIRONMENT_FILES = ("*.tf", ".terraform.lock.hcl")


class TerraformError(Exception):
    """Terraform's own words about a failed command."""


class ScratchRoot:
    """`envs/<name>` ready to be applied against the local endpoint."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.folder = settings.state / "terraform" / "envs" / name
        self._source = settings.root / "envs" / name
        self._command = terraform(settings.state / "bin")

    @property
    def state_file(self) -> Path:
        return self.settings.state / "terraform" / f"{self.folder.name}.tfstate"

    def write(self) -> None:
        """Copies the environment's files; a file removed from `envs/` is removed here too."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.tf"):
            old.unlink()
        for pattern in ENVIRONMENT_FILES:
            for file in self._source.glob(pattern):
                shutil.copy2(file, self.folder / file.name)
        (self.folder / "backend_override.tf").write_text(
            f'terraform {{\n  backend "local" {{\n    path = "{self.state_file}"\n  }}\n}}\n'
        )
        (self.folder / "terraform.tfvars.json").write_text(json.dumps({"account_id": ACCOUNT_ID}))
        self._link_siblings()

    def _link_siblings(self) -> None:
        base = self.settings.state / "terraform"
        _link(base / "modules", self.settings.root / "modules")
        _link(base / "functions", self.settings.root / "functions")
        build = self.settings.root / "build"
        (base / "build" / "layer").mkdir(parents=True, exist_ok=True)
        for name in ("functions", "gateway.json", "openapi.json"):
            _link(base / "build" / name, build / name)
        # The one artefact that differs on a laptop: wheels for this machine, where AWS's architectures stand.
        for architecture in ("arm64", "x86_64"):
            _link(base / "build" / "layer" / f"{architecture}.zip", build / "layer" / "local.zip")

    def init(self) -> bool:
        """True if it ran; what it depends on may be as it was the last time."""
        stamp = self.folder / ".terraform" / "atrium.stamp"
        wanted = self._init_inputs()
        if stamp.exists() and stamp.read_text() == wanted:
            return False
        self._run("init", "-input=false", "-no-color", "-reconfigure")
        stamp.write_text(wanted)
        return True

    def _init_inputs(self) -> str:
        """Backend, providers and modules are all that `terraform init` reads: versions, lock and module calls."""
        digest = hashlib.sha256()
        for file in sorted([*self.folder.glob("*.tf"), *self.folder.glob(".terraform.lock.hcl")]):
            digest.update(file.read_bytes())
        for file in sorted(self.settings.root.glob("modules/*/versions.tf")):
            digest.update(file.read_bytes())
        return digest.hexdigest()

    def apply(self, on_event: Callable[[dict[str, Any]], None]) -> None:
        """Applies, handing each of Terraform's JSON events to `on_event` as it happens."""
        errors: list[str] = []
        for event in self._events("apply", "-auto-approve", "-input=false", "-json", "-parallelism=30"):
            if event.get("@level") == "error":
                errors.append(_error_text(event))
            on_event(event)
        if errors:
            raise TerraformError("\n".join(errors))

    def planned_changes(self) -> list[tuple[str, str]]:
        """(action, address) of everything that an apply would do; empty if the environment and the local AWS agree."""
        events = list(self._events("plan", "-input=false", "-json"))
        if errors := [_error_text(event) for event in events if event.get("@level") == "error"]:
            raise TerraformError("\n".join(errors))
        changes = [event["change"] for event in events if event.get("type") == "planned_change"]
        return [(change["action"], change["resource"]["addr"]) for change in changes]

    def outputs(self) -> dict[str, Any]:
        shown = json.loads(self._run("output", "-json").stdout)
        return {name: entry["value"] for name, entry in shown.items()}

    def _run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self._command, *arguments]
        done = subprocess.run(command, cwd=self.folder, env=self._environment(), capture_output=True, text=True)
        if done.returncode:
            raise TerraformError((done.stderr or done.stdout).strip())
        return done

    def _events(self, *arguments: str) -> Iterator[dict[str, Any]]:
        command = [self._command, *arguments]
        with subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            assert process.stdout
            for line in process.stdout:
                yield json.loads(line) if line.startswith("{") else {"@level": "info", "@message": line.rstrip()}
        if process.returncode and process.returncode != 1:
            yield {"@level": "error", "@message": f"terraform ended with exit code {process.returncode}"}

    def _environment(self) -> dict[str, str]:
        # The caller's own AWS settings (a profile, a token, an endpoint per service) must not reach a laptop's stack.
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return (
            inherited
            | aws_environment(self.settings)
            | providers.environment(self.settings.state)
            | {"TF_IN_AUTOMATION": "1"}
        )


def aws_environment(settings: Settings) -> dict[str, str]:
    """What points the AWS provider, SDK and CLI at the laptop: dummy keys that no account has."""
    return {
        "AWS_ENDPOINT_URL": settings.aws_endpoint_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
    }


def _error_text(event: dict[str, Any]) -> str:
    diagnostic = event.get("diagnostic") or {}
    where = diagnostic.get("address") or diagnostic.get("range", {}).get("filename", "")
    return " ".join(
        part
        for part in (event.get("@message", ""), f"({where})" if where else "", diagnostic.get("detail", ""))
        if part
    )


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() or link.exists():
        link.unlink()
    link.symlink_to(target)
