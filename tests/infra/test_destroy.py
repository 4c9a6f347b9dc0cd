"""`make destroy`: refusals before anything is changed.

Terraform is a stub that records its calls.
"""

import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from unittest import mock

import pytest

from tools.deploy.errors import RefusedError
from tools.operations import leftover_logs
from tools.operations.destroy import main, require_unprotected

ROOT = Path(__file__).resolve().parents[2]
LOCALS = 'locals {{\n  project = var.project\n  stage   = "{stage}"\n\n  deletion_protection = {protected}\n}}\n'
TERRAFORM = """#!/bin/sh
case "$1" in
  version) echo "Terraform v1.11.4"; exit ;;
esac
echo "${PWD##*/}: $@" >> "$ATRIUM_TEST/asked"
case "$1" in
  show) cat "$ATRIUM_TEST/state.json" ;;
  apply)
    echo "module.network.aws_subnet.private[\\"a\\"]: Destruction complete after 46m2s"
    echo "module.rds_proxy.aws_db_instance.this: Destruction complete after 6m5s"
    exit "${ATRIUM_DESTROYED:-3}" ;;
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
PLAN_FILE = re.compile(r"/\S+/plan")
PLANNED = [
    INIT,
    SHOW,
    "plan -no-color -input=false -lock-timeout=300s -destroy -out=PLAN",
    f"{SHOW} PLAN",
]
APPLIED = [*PLANNED, "apply -no-color -input=false -lock-timeout=300s PLAN"]


@dataclass(frozen=True)
class CompletedCommand:
    status: int
    said: str
    asked: list[str]


class Destroy(Protocol):
    def __call__(self, *arguments: str, **protections: Any) -> CompletedCommand: ...


@pytest.fixture
def destroy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Destroy]:
    """Run the command on an environment whose database, table and pool have this protection."""
    lay_out(tmp_path)

    def run(*arguments: str, **protections: Any) -> CompletedCommand:
        state = {
            "values": {"root_module": {"child_modules": [{"resources": applied(**protections)}]}}
        }
        (tmp_path / "state.json").write_text(
            json.dumps(state if protections else {"format_version": "1.0"})
        )
        monkeypatch.setattr(sys, "argv", ["destroy", *arguments, "--envs", str(tmp_path / "envs")])
        status = main()
        log = tmp_path / "asked"
        asked = log.read_text().splitlines() if log.exists() else []
        return CompletedCommand(
            status,
            "".join(capfd.readouterr()),
            [PLAN_FILE.sub("PLAN", each.removeprefix(f"{arguments[0]}: ")) for each in asked],
        )

    path = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "ATRIUM_TEST": str(tmp_path)}
    with mock.patch.dict(
        os.environ, CONFIGURATION | path
    ):  # the command exports the configuration to this process
        os.environ.pop("AWS_ENDPOINT_URL", None)
        yield run


def lay_out(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin/terraform").write_text(TERRAFORM)
    (folder / "bin/terraform").chmod(0o755)
    for stage, protected in (("dev", "false"), ("lifted", "false"), ("prod", "true")):
        (folder / "envs" / stage).mkdir(parents=True)
        (folder / "envs" / stage / "locals.tf").write_text(
            LOCALS.format(stage=stage, protected=protected)
        )
    (folder / "envs/bootstrap").mkdir()


def applied(
    database: bool = False, table: bool = False, pool: str = "INACTIVE"
) -> list[dict[str, Any]]:
    return [
        {"mode": "managed", "address": "database", "values": {"deletion_protection": database}},
        {"mode": "managed", "address": "table", "values": {"deletion_protection_enabled": table}},
        {"mode": "managed", "address": "pool", "values": {"deletion_protection": pool}},
        {"mode": "data", "address": "data.other", "values": {"deletion_protection": True}},
    ]


def test_dev_is_planned_and_needs_confirmation(
    destroy: Destroy, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = destroy("dev", database=False)
    assert (ran.status, ran.asked) == (1, PLANNED)
    assert "CONFIRM=atrium-dev applies it without a question" in ran.said
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    ran = destroy("dev", database=False)
    assert ran.asked[len(PLANNED) :] == APPLIED
    assert (ran.status, "terraform apply in dev failed" in ran.said) == (1, True)


def test_a_given_name_replaces_the_question(destroy: Destroy) -> None:
    assert destroy("dev", "--confirm", "atrium-dev", database=False).asked == APPLIED


def test_a_protected_environment_is_refused_before_the_plan(destroy: Destroy) -> None:
    ran = destroy("prod", "--confirm", "atrium-prod", database=True)
    assert (ran.status, ran.asked) == (1, [])
    assert "deletion_protection = false" in ran.said


@pytest.mark.parametrize("confirm", ["", "lifted", "atrium-dev"])
def test_an_unprotected_prod_needs_its_name(destroy: Destroy, confirm: str) -> None:
    ran = destroy("lifted", "--confirm", confirm, database=False)
    assert (ran.status, ran.asked) == (1, [])
    assert "make destroy ENV=lifted CONFIRM=atrium-lifted" in ran.said


def test_a_wrong_name_is_refused_for_dev_too(destroy: Destroy) -> None:
    assert destroy("dev", "--confirm", "atrium-prod", database=False).asked == []


@pytest.mark.parametrize(
    ("protections", "named"),
    [({"database": True}, "database"), ({"table": True}, "table"), ({"pool": "ACTIVE"}, "pool")],
)
def test_protection_removed_in_the_files_but_not_applied_is_refused(
    destroy: Destroy, protections: dict[str, Any], named: str
) -> None:
    ran = destroy("lifted", "--confirm", "atrium-lifted", **protections)
    assert (ran.status, ran.asked) == (1, [INIT, SHOW])
    assert f"still protected in AWS: {named}. Apply" in ran.said


def test_prod_is_destroyed_after_both_steps(destroy: Destroy) -> None:
    ran = destroy("lifted", "--confirm", "atrium-lifted", database=False)
    assert ran.asked == APPLIED


def test_log_groups_that_rds_recreates_are_deleted_afterwards(
    destroy: Destroy, monkeypatch: pytest.MonkeyPatch
) -> None:
    swept: list[str] = []
    monkeypatch.setattr(leftover_logs, "sweep", lambda _, name: swept.append(name))
    confirmed = ("dev", "--confirm", "atrium-dev")
    assert destroy(*confirmed, database=False).status == 1
    assert swept == []
    monkeypatch.setenv("ATRIUM_DESTROYED", "0")
    ran = destroy(*confirmed, database=False)
    assert (ran.status, swept) == (0, ["atrium-dev"])
    assert "network of the functions  at most 45 min" in ran.said


@pytest.mark.parametrize("status", ["0", "1"])
def test_the_duration_of_each_part_is_printed_even_after_a_failure(
    destroy: Destroy, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(leftover_logs, "sweep", lambda *_: None)
    monkeypatch.setenv("ATRIUM_DESTROYED", status)
    said = destroy("dev", "--confirm", "atrium-dev", database=False).said
    assert 'aws_subnet.private["a"]: Destruction complete after 46m2s' in said
    network, database = said.partition("measured times")[2].splitlines()[1:3]
    assert network.split() == [
        *("network", "of", "the", "functions", "46", "min", "02", "s"),
        *('module.network.aws_subnet.private["a"]', "of", "1,"),
        *("longer", "than", "the", "expected", "45", "min"),
    ]
    assert "6 min 05 s" in database
    assert "longer" not in database


def test_an_empty_environment_is_no_error(destroy: Destroy) -> None:
    ran = destroy("dev")
    assert (ran.status, ran.asked) == (0, [INIT, SHOW])
    assert "has no resources" in ran.said


@pytest.mark.parametrize("environment", ["bootstrap", "nowhere", ""])
def test_an_unknown_environment_is_refused(destroy: Destroy, environment: str) -> None:
    ran = destroy(environment)
    assert (ran.status, ran.asked) == (1, [])
    assert "ENV is one of: dev, lifted, prod." in ran.said


@pytest.mark.parametrize("environment", ["dev", "prod"])
def test_our_own_environments_can_be_read(environment: str) -> None:
    if environment == "dev":
        assert require_unprotected(ROOT / "envs", "dev") == "dev"
    else:
        with pytest.raises(RefusedError, match="prod is protected"):
            require_unprotected(ROOT / "envs", "prod")
