"""`make destroy`: what it refuses before anything is changed. Terraform itself is a stand-in that notes what it is asked."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from operations.destroy import require_lifted
from operations.errors import RefusedError

ROOT = Path(__file__).resolve().parents[2]
LOCALS = 'locals {{\n  project = var.project\n  stage   = "{stage}"\n\n  deletion_protection = {protected}\n}}\n'
TERRAFORM = """#!/bin/sh
case "$1" in
  version) echo "Terraform v1.11.4"; exit ;;
esac
echo "${PWD##*/}: $@" >> "$ATRIUM_TEST/asked"
case "$1" in
  show) cat "$ATRIUM_TEST/state.json" ;;
  destroy) exit 3 ;;
esac
"""
CONFIGURATION = {
    "AWS_ACCOUNT_ID": "000000000000",
    "AWS_REGION": "eu-central-1",
    "PROJECT_NAME": "atrium",
    "STATE_BUCKET": "example-states",
}
INIT = (
    "init -input=false -no-color -reconfigure -lockfile=readonly "
    "-backend-config=bucket=example-states -backend-config=region=eu-central-1"
)
SHOW = "show -json -no-color"


@dataclass(frozen=True)
class Ran:
    status: int
    said: str
    asked: list[str]


def destroy(folder: Path, *arguments: str, **protections: Any) -> Ran:
    """Runs it on an environment whose applied database, table and pool are protected as told."""
    (folder / "bin").mkdir()
    (folder / "bin/terraform").write_text(TERRAFORM)
    (folder / "bin/terraform").chmod(0o755)
    for stage, protected in (("dev", "false"), ("lifted", "false"), ("prod", "true")):
        (folder / "envs" / stage).mkdir(parents=True)
        (folder / "envs" / stage / "locals.tf").write_text(LOCALS.format(stage=stage, protected=protected))
    (folder / "envs/bootstrap").mkdir()
    state = {"values": {"root_module": {"child_modules": [{"resources": applied(**protections)}]}}}
    (folder / "state.json").write_text(json.dumps(state if protections else {"format_version": "1.0"}))
    ran = subprocess.run(
        [sys.executable, "-m", "operations.destroy", *arguments, "--envs", str(folder / "envs")],
        cwd=ROOT,
        env=os.environ | CONFIGURATION | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "ATRIUM_TEST": str(folder)},
        capture_output=True,
        text=True,
    )
    asked = (folder / "asked").read_text().splitlines() if (folder / "asked").exists() else []
    return Ran(ran.returncode, ran.stdout + ran.stderr, [each.removeprefix(f"{arguments[0]}: ") for each in asked])


def applied(database: bool = False, table: bool = False, pool: str = "INACTIVE") -> list[dict[str, Any]]:
    return [
        {"mode": "managed", "address": "database", "values": {"deletion_protection": database}},
        {"mode": "managed", "address": "table", "values": {"deletion_protection_enabled": table}},
        {"mode": "managed", "address": "pool", "values": {"deletion_protection": pool}},
        {"mode": "data", "address": "data.other", "values": {"deletion_protection": True}},
    ]


def test_dev_goes_after_terraforms_own_question(tmp_path: Path) -> None:
    ran = destroy(tmp_path, "dev", database=False)
    assert ran.asked == [INIT, SHOW, "destroy -no-color"]
    assert (ran.status, "terraform destroy of dev failed" in ran.said) == (1, True)


def test_a_name_given_takes_the_place_of_the_question(tmp_path: Path) -> None:
    assert (
        destroy(tmp_path, "dev", "--confirm", "atrium-dev", database=False).asked[-1]
        == "destroy -no-color -auto-approve"
    )


def test_a_protected_environment_is_not_even_looked_at(tmp_path: Path) -> None:
    ran = destroy(tmp_path, "prod", "--confirm", "atrium-prod", database=True)
    assert (ran.status, ran.asked) == (1, [])
    assert "deletion_protection = false" in ran.said


@pytest.mark.parametrize("confirm", ["", "lifted", "atrium-dev"])
def test_once_lifted_it_wants_its_name(tmp_path: Path, confirm: str) -> None:
    ran = destroy(tmp_path, "lifted", "--confirm", confirm, database=False)
    assert (ran.status, ran.asked) == (1, [])
    assert "make destroy ENV=lifted CONFIRM=atrium-lifted" in ran.said


def test_a_wrong_name_is_refused_for_dev_too(tmp_path: Path) -> None:
    assert destroy(tmp_path, "dev", "--confirm", "atrium-prod", database=False).asked == []


@pytest.mark.parametrize(
    ("protections", "named"),
    [({"database": True}, "database"), ({"table": True}, "table"), ({"pool": "ACTIVE"}, "pool")],
)
def test_lifted_in_the_files_but_not_applied(tmp_path: Path, protections: dict[str, Any], named: str) -> None:
    ran = destroy(tmp_path, "lifted", "--confirm", "atrium-lifted", **protections)
    assert (ran.status, ran.asked) == (1, [INIT, SHOW])
    assert f"still protected in AWS: {named}. Apply" in ran.said


def test_both_steps_done(tmp_path: Path) -> None:
    ran = destroy(tmp_path, "lifted", "--confirm", "atrium-lifted", database=False)
    assert ran.asked == [INIT, SHOW, "destroy -no-color -auto-approve"]


def test_nothing_there_is_no_error(tmp_path: Path) -> None:
    ran = destroy(tmp_path, "dev")
    assert (ran.status, ran.asked) == (0, [INIT, SHOW])
    assert "holds nothing" in ran.said


@pytest.mark.parametrize("environment", ["bootstrap", "nowhere"])
def test_only_environments(tmp_path: Path, environment: str) -> None:
    ran = destroy(tmp_path, environment)
    assert (ran.status, ran.asked) == (1, [])
    assert "ENV is one of: dev, lifted, prod." in ran.said


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_our_own_environments_can_be_read(environment: str) -> None:
    if environment == "dev":
        assert require_lifted(ROOT / "envs/dev") == "dev"
    else:
        with pytest.raises(RefusedError, match="prod is protected"):
            require_lifted(ROOT / "envs/prod")
