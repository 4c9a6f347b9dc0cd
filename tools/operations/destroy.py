"""`make destroy ENV=dev`: takes an environment away, and nothing of it while anything in it is still protected.

dev goes after Terraform's own question. Every other environment wants two steps: its protection lifted in locals.tf,
committed and applied; then its name typed as CONFIRM.
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
from tools.operations import leftover_logs

GOES_AT_ONCE = "dev"
DURATIONS = """\
destroy: how long the parts take. Terraform tells each resource as it goes.
  functions in the VPC   20 to 45 min: AWS lets go of their network interfaces late, and security groups and subnets wait for it
  database and proxy     5 to 15 min
  user pool, table, API  a minute
  keys                   AWS keeps them for 30 days, unusable, and then deletes them
Credentials should last an hour. If they end sooner, run the same command again: it goes on."""
# Whatever is set otherwise, AWS refuses to delete the resource: half of the environment would be gone by then.
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
    """Raises RefusedError before anything is changed, and TerraformFailedError."""
    stage = require_lifted(envs, environment)
    read = configuration.read(environment)
    name = f"{read.project}-{stage}"
    require_confirmation(environment, name, confirm)
    read.export()
    root = Root(envs / environment, read)
    if not (held := root.resources()):
        print(f"destroy: {name} holds nothing.")
        return
    if protected := sorted(resource["address"] for resource in held if is_protected(resource)):
        raise RefusedError(
            f"{name} is still protected in AWS: {', '.join(protected)}. "
            f"Apply what {environment}/locals.tf says first: `make deploy ENV={environment}`."
        )
    artefacts.build(
        local=False
    )  # also what it takes away Terraform reads whole, the builder's files with it
    print(DURATIONS)
    root.destroy(sure=bool(confirm))
    leftover_logs.sweep(boto3.client("logs"), name)


def require_lifted(envs: Path, environment: str) -> str:
    """The environment's stage, if its files do not protect it."""
    folder = envs / environment
    file = folder / "locals.tf"
    if not file.is_file():
        given = "ENV is missing" if folder == envs else f"{environment!r} cannot be destroyed"
        environments = sorted(found.parent.name for found in envs.glob("*/locals.tf"))
        raise RefusedError(f"{given}. ENV is one of: {', '.join(environments)}.")
    text = file.read_text()
    if _setting(text, "deletion_protection", file) != "false":
        raise RefusedError(
            f"{environment} is protected. First say `deletion_protection = false` in {file}, commit and apply it. "
            "Then run this again."
        )
    return _setting(text, "stage", file)


def _setting(text: str, name: str, file: Path) -> str:
    found = re.search(rf'^  {name}\s*= "?(\w+)"?$', text, re.MULTILINE)
    if found is None:
        raise RefusedError(f"{file} does not say `{name} = …` on a line of its own. Add it.")
    return found[1]


def require_confirmation(environment: str, name: str, confirm: str) -> None:
    if confirm != name and (confirm or environment != GOES_AT_ONCE):
        given = f"CONFIRM is {confirm!r}. " if confirm else ""
        raise RefusedError(
            f"{given}To destroy {name} for good: make destroy ENV={environment} CONFIRM={name}"
        )


def is_protected(resource: dict[str, Any]) -> bool:
    return any(
        resource["values"].get(name) not in harmless for name, harmless in UNPROTECTED.items()
    )


if __name__ == "__main__":
    sys.exit(main())
