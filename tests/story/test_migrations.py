"""Migrations on the running stack, by make: its function, its proxy, its IAM policies, its API."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from tests.migrations.conftest import ours
from tools.deploy import stack_outputs as outputs
from tools.deploy import stack_settings

ROOT = Path(__file__).resolve().parents[2]


def make(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
    )


def answer(*arguments: str) -> Any:
    done = make(*arguments, "FORMAT=json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_deployed_function_reports_its_migrations_and_has_none_left() -> None:
    names = [file.id for file in ours()]
    found = answer("migrate-status", "ENV=local")
    assert (found["environment"], found["applied"], found["pending"]) == ("local", names, [])
    assert answer("migrate", "ENV=local") == {"environment": "local", "applied": [], "pending": []}
    assert make("migrate-plan", "ENV=local").stdout == "local: nothing to apply.\n"


def test_migrations_also_run_through_the_port_of_a_tunnel() -> None:
    port = (
        outputs.read(stack_settings.from_environment())
        .database_url.rpartition(":")[2]
        .partition("/")[0]
    )
    assert answer("migrate-status", "ENV=local", f"TUNNEL={port}")["pending"] == []


def test_the_restore_drill_restores_everything() -> None:
    done = answer("restore-drill")
    assert done["rows"]["public.users"] >= 1
    assert done["rows"]["public._yoyo_migration"] == len(ours())
    assert done["signed_in"] == "admin@example.com"
