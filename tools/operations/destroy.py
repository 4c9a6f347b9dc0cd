"""`make destroy ENV=dev`: destroy an environment, unless any of its resources is protected.

It shows the plan first. For dev, a question is enough. Every other environment takes two steps:
lift the protection in locals.tf, commit and apply it. Then pass the environment's name as CONFIRM.
"""

import argparse
import re
import sys
from pathlib import Path
from typing import Any

import boto3

from tools import ROOT
from tools.deploy import artefacts, command, configuration
from tools.deploy.errors import RefusedError
from tools.deploy.terraform.root import Root
from tools.operations import destroy_times, leftover_logs
from tools.operations.destroy_times import Times

GOES_AT_ONCE = "dev"
# AWS refuses to delete a resource with these settings, which would leave half of an environment.
UNPROTECTED = {
    "deletion_protection": (None, False, "INACTIVE"),
    "deletion_protection_enabled": (None, False),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.operations.destroy", description=__doc__)
    parser.add_argument(
        "environment", nargs="?", default="", help="dev, prod, …: a folder of envs/"
    )
    parser.add_argument(
        "--confirm", default="", help="name of the environment, such as atrium-prod"
    )
    parser.add_argument(
        "--envs", type=Path, default=ROOT / "envs", help="folder of the environments"
    )
    options = parser.parse_args()
    return command.run(
        "destroy", lambda: destroy(options.envs, options.environment, options.confirm)
    )


def destroy(envs: Path, environment: str, confirm: str) -> None:
    """Destroy the environment. Raise RefusedError before any change, or TerraformFailedError."""
    stage = require_unprotected(envs, environment)
    read = configuration.read(environment)
    name = f"{read.project}-{stage}"
    require_confirmation(environment, name, confirm)
    read.export()
    root = Root(envs / environment, read)
    if not (held := root.resources()):
        print(f"destroy: {name} has no resources.")
        return
    if protected := sorted(resource["address"] for resource in held if is_protected(resource)):
        raise RefusedError(
            f"{name} is still protected in AWS: {', '.join(protected)}. "
            f"Apply {environment}/locals.tf first with `make deploy ENV={environment}`."
        )
    artefacts.build(local=False)  # Terraform also reads the builder's files when it destroys.
    print(destroy_times.expected())
    times = Times()
    with root.plan(lock=True, destroy=True) as plan:
        command.confirm(name, confirmed=bool(confirm), instead=f"CONFIRM={name}")
        try:
            root.apply(plan, times.note)
        finally:
            print(times.report())
    leftover_logs.sweep(boto3.client("logs"), name)


def require_unprotected(envs: Path, environment: str) -> str:
    """Return the environment's stage. Raise RefusedError if its files protect it."""
    folder = envs / environment
    file = folder / "locals.tf"
    if not file.is_file():
        given = "ENV is missing" if folder == envs else f"{environment!r} cannot be destroyed"
        environments = sorted(found.parent.name for found in envs.glob("*/locals.tf"))
        raise RefusedError(f"{given}. ENV is one of: {', '.join(environments)}.")
    text = file.read_text()
    if _setting(text, "deletion_protection", file) != "false":
        raise RefusedError(
            f"{environment} is protected. First set `deletion_protection = false` in {file}, commit and apply it. "
            "Then run this again."
        )
    return _setting(text, "stage", file)


def _setting(text: str, name: str, file: Path) -> str:
    found = re.search(rf'^  {name}\s*= "?(\w+)"?$', text, re.MULTILINE)
    if found is None:
        raise RefusedError(f"{file} has no line `{name} = …`. Add it.")
    return found[1]


def require_confirmation(environment: str, name: str, confirm: str) -> None:
    if confirm != name and (confirm or environment != GOES_AT_ONCE):
        given = f"CONFIRM is {confirm!r}. " if confirm else ""
        raise RefusedError(
            f"{given}To destroy {name} permanently, run make destroy ENV={environment} CONFIRM={name}"
        )


def is_protected(resource: dict[str, Any]) -> bool:
    return any(
        resource["values"].get(name) not in harmless for name, harmless in UNPROTECTED.items()
    )


if __name__ == "__main__":
    sys.exit(main())
