"""An environment planned whole, offline, by the real provider."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from tests.infra.test_modules import Message, offline

ROOT = Path(__file__).resolve().parents[2]

Plan = dict[str, dict[str, Any]]  # address → the attributes that are known before an apply


def planned(environment: str, folder: Path) -> Plan:
    lay_out_build(folder / "build")
    for shared in ("functions", "modules"):
        (folder / shared).symlink_to(ROOT / shared)
    root = folder / "envs" / environment
    shutil.copytree(ROOT / "envs" / environment, root, ignore=shutil.ignore_patterns(".terraform"))
    (root / "tests").mkdir()
    shutil.copy2(ROOT / "tests/infra/environment.tftest.hcl", root / "tests")
    environ = offline(os.environ) | providers.environment(folder)

    def run(*arguments: str) -> str:
        command = [terraform(ROOT / ".local"), *arguments]
        done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-5000:] + done.stderr
        return done.stdout

    run("init", "-backend=false", "-input=false", "-lockfile=readonly", "-no-color")
    messages = map(Message.read, run("test", "-json", "-verbose").splitlines())
    [plan] = [message.test_plan for message in messages if message.test_plan]
    return {change["address"]: change["change"]["after"] for change in plan.resource_changes}


def lay_out_build(folder: Path) -> None:
    """The build as a plan needs it; of the layers it wants files, whatever machine their wheels are for."""
    built = subprocess.run(
        [sys.executable, "-m", "tools.build", "--local"], cwd=ROOT, capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    (folder / "layer").mkdir(parents=True)
    for name in ("functions", "gateway.json", "layers.json", "openapi.json"):
        (folder / name).symlink_to(ROOT / "build" / name)
    (folder / "layer/arm64").symlink_to(ROOT / "build/layer/local")


def of_kind(plan: Plan, kind: str) -> list[dict[str, Any]]:
    return [
        known
        for address, known in plan.items()
        if re.sub(r"\[.*", "", address).split(".")[-2] == kind
    ]


def one(plan: Plan, kind: str) -> dict[str, Any]:
    [found] = of_kind(plan, kind)
    return found
