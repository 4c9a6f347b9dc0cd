"""A complete plan of an environment without an account, by the real provider with AWS mocked."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from tools import ROOT
from tools.deploy.errors import RefusedError

STAND_INS = Path(__file__).with_name("offline_plan.tftest.hcl")

Plan = dict[str, dict[str, Any]]  # address → the attributes that are known before an apply


class PlannedChanges(msgspec.Struct, frozen=True):
    """A plan in a message of `terraform test`."""

    resource_changes: list[dict[str, Any]] = []


class _Message(msgspec.Struct, frozen=True):
    type: str
    message: str = msgspec.field(name="@message")
    test_plan: PlannedChanges | None = None


def planned(environment: str, folder: Path) -> Plan:
    """Plan an environment in an empty folder.

    Raise RefusedError if there is no such environment, or with Terraform's message if it fails.
    """
    if not (ROOT / "envs" / environment / "main.tf").is_file():
        raise RefusedError(
            f"there is no environment {environment!r}. ENV is the name of a folder of envs/ with a "
            "main.tf, such as dev or prod."
        )
    lay_out_build(folder / "build")
    for shared in ("functions", "modules"):
        (folder / shared).symlink_to(ROOT / shared)
    root = folder / "envs" / environment
    shutil.copytree(ROOT / "envs" / environment, root, ignore=shutil.ignore_patterns(".terraform"))
    (root / "tests").mkdir()
    shutil.copy2(STAND_INS, root / "tests")
    environ = offline(os.environ) | providers.environment(folder)

    def run(*arguments: str) -> str:
        command = [terraform(ROOT / ".local"), *arguments]
        done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
        if done.returncode:
            raise RefusedError(
                f"Terraform cannot plan {environment} without an account:\n"
                f"{done.stdout[-5000:]}{done.stderr}"
            )
        return done.stdout

    run("init", "-backend=false", "-input=false", "-lockfile=readonly", "-no-color")
    lines = run("test", "-json", "-verbose").splitlines()
    messages = (msgspec.json.decode(line, type=_Message) for line in lines)
    [plan] = [message.test_plan for message in messages if message.test_plan]
    return {change["address"]: change["change"]["after"] for change in plan.resource_changes}


def offline(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment without the developer's AWS settings, so that no account is called."""
    kept = {name: value for name, value in environment.items() if not name.startswith("AWS_")}
    return kept | {
        "GOGC": "400",  # fewer garbage collections: saves a tenth of the run's time
        "AWS_ACCESS_KEY_ID": "offline",
        "AWS_SECRET_ACCESS_KEY": "offline",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def lay_out_build(folder: Path) -> None:
    """Create build/ as far as a plan reads it. The layers' wheels may be for any machine."""
    built = subprocess.run(
        [sys.executable, "-m", "tools.build", "--local"], cwd=ROOT, capture_output=True, text=True
    )
    if built.returncode:
        raise RefusedError(f"the functions cannot be built:\n{built.stderr}")
    (folder / "layer").mkdir(parents=True)
    for name in ("functions", "gateway.json", "layers.json", "openapi.json"):
        (folder / name).symlink_to(ROOT / "build" / name)
    (folder / "layer/arm64").symlink_to(ROOT / "build/layer/local")


def kind(address: str) -> str:
    """Return the kind of a resource, such as aws_db_instance."""
    return re.sub(r"\[.*", "", address).split(".")[-2]


def of_kind(plan: Plan, wanted: str) -> list[dict[str, Any]]:
    return [known for address, known in plan.items() if kind(address) == wanted]


def one(plan: Plan, wanted: str) -> dict[str, Any]:
    """Return the only resource of a kind. Raise ValueError if there are several or none."""
    [found] = of_kind(plan, wanted)
    return found
