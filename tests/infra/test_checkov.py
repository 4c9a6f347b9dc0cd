"""Findings of checkov: each is fixed, or skipped where it occurs with the reason."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SKIP = re.compile(r"#checkov:skip=(?P<check>\w+):(?P<reason>.*)")


def checkov() -> Path:
    """Return the checkov command; the variable `CHECKOV` can name one outside the environment."""
    return Path(os.environ.get("CHECKOV") or Path(sys.executable).with_name("checkov"))


def test_checkov_finds_nothing(tmp_path: Path) -> None:
    # A copy, because checkov would also read files of a developer's own `terraform init`.
    for folder in ("envs", "modules"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns(".terraform", "examples", "tests", "*.tfvars"),
        )
    options = (
        "--directory",
        ".",
        "--framework",
        "terraform",
        "--skip-download",
        "--quiet",
        "--compact",
        "--output",
        "json",
    )
    ran = subprocess.run([checkov(), *options], cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout, ran.stderr
    report: dict[str, Any] = json.loads(ran.stdout)
    assert report["summary"]["parsing_errors"] == 0
    assert report["summary"]["passed"] > 200
    assert findings(report["results"]["failed_checks"]) == []


def findings(failed: list[dict[str, Any]]) -> list[str]:
    return sorted(
        {
            f"{found['file_path']}: {found['resource']}: {found['check_id']} {found['check_name']}"
            for found in failed
        }
    )


def test_every_skip_has_a_reason() -> None:
    files = [*ROOT.glob("modules/**/*.tf"), *ROOT.glob("envs/**/*.tf")]
    lines = [
        (file, line)
        for file in files
        for line in file.read_text().splitlines()
        if "checkov:skip" in line
    ]
    assert lines
    for file, line in lines:
        found = SKIP.search(line)
        assert found, f"{file}: write `#checkov:skip=<check>:<reason>`: {line}"
        assert len(found["reason"]) > 8, f"{file}: say why {found['check']} is skipped."
