"""The scratch root: a copy of an environment's files with a local backend, in the state folder.

No generated file lies in `envs/`, where a real apply could read it. Modules, functions and build
output are links, so that the environment's relative paths work as in the repository.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from local_aws.callers_environment import for_terraform
from local_aws.settings import ACCOUNT_ID, Settings
from local_aws.terraform.command import TerraformError
from local_aws.terraform.local_root import LocalRoot
from local_aws.terraform.providers import quoted
from local_aws.terraform.record import Record

ENVIRONMENT = "dev"  # applied by `make up`; `stack_settings` names it for snapshots
ENVIRONMENT_FILES = ("*.tf", ".terraform.lock.hcl")
CODE_BUCKET = "local-code"  # `make up` uploads the zips of functions before an apply

# The value of `runtime` in an environment's main.tf, to which the laptop adds the bucket.
RUNTIME = "merge(local.runtime, { role_boundary_arn = var.permissions_boundary_arn })"
# The value of `environment` in main.tf. The laptop also logs every decision, for its console.
FUNCTION_ENVIRONMENT = "local.function_environment"
_DECISION_LOG = '{ DECISION_LOG_UNTIL = "2100-01-01T00:00:00Z" }'
# The provider creates functions from files one after the other, and waits five seconds for each.
_OVERRIDE = """\
terraform {{
  backend "local" {{
    path = {state}
  }}
}}

module "api_lambda" {{
  runtime     = {runtime}
  environment = {environment}
}}
"""


_ADVICE = """\
The aws provider is not on this machine and registry.terraform.io cannot be reached.
Connect to the internet once and run `make up` again, or copy the provider from another machine:
  there:  cd envs/dev && terraform providers mirror FOLDER
  here:   TF_PLUGIN_MIRROR=FOLDER make up"""


def _with_decision_log() -> str:
    of_access = f'merge(lookup({FUNCTION_ENVIRONMENT}, "access", {{}}), {_DECISION_LOG})'
    return f"merge({FUNCTION_ENVIRONMENT}, {{ access = {of_access} }})"


class ScratchRoot(LocalRoot):
    """A copy of `envs/<name>` that Terraform applies to the local endpoint."""

    def __init__(self, settings: Settings, name: str) -> None:
        folder = settings.state / "terraform" / "envs" / name
        super().__init__(settings, folder, Record.of(settings, name))
        self._source = settings.root / "envs" / name

    def write(self) -> None:
        """Copy the environment's files, and delete those that `envs/` no longer has."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for old in self.folder.glob("*.tf"):
            old.unlink()
        for pattern in ENVIRONMENT_FILES:
            for file in self._source.glob(pattern):
                shutil.copy2(file, self.folder / file.name)
        (self.folder / "laptop_override.tf").write_text(
            _OVERRIDE.format(
                state=quoted(self.record.state),
                runtime=f'merge({RUNTIME}, {{ code_bucket = "{CODE_BUCKET}" }})',
                environment=_with_decision_log(),
            )
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
            self.run("init", "-input=false", "-no-color", "-reconfigure")
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
            f"{self.command} {self.settings.api_port} {self.settings.aws_port}".encode()
        )
        for name, value in sorted(for_terraform(os.environ).items()):
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


def _link(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink() or link.exists():
        link.unlink()
    link.symlink_to(target)
