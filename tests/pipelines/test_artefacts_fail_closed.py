"""Refusal of an empty or missing digest, which means that the step that writes it has failed."""

import os
import subprocess
from pathlib import Path

import pytest

from tools.deploy import artefacts
from tools.deploy.errors import RefusedError

ROOT = Path(__file__).resolve().parents[2]


def test_an_empty_digest_is_refused() -> None:
    with pytest.raises(RefusedError, match="the digest of the tested artefacts is empty"):
        artefacts.require_or_build("")


def test_a_folder_without_artefacts_has_no_digest(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="has no artefacts"):
        artefacts.digest(tmp_path)


@pytest.mark.parametrize(
    ("given", "passed"),
    [(["ARTEFACTS="], '--artefacts ""'), (["ARTEFACTS=abc"], '--artefacts "abc"'), ([], "")],
)
@pytest.mark.parametrize("target", ["deploy", "plan"])
def test_make_passes_an_empty_digest_on(target: str, given: list[str], passed: str) -> None:
    command = ["make", "--dry-run", target, "ENV=prod", *given]
    environment = {name: value for name, value in os.environ.items() if name != "ARTEFACTS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    [line] = [line for line in done.stdout.splitlines() if f"tools.operations.{target}" in line]
    assert ("--artefacts" in line) is bool(passed)
    assert passed in line


def test_make_passes_on_an_empty_digest_of_the_environment() -> None:
    environment = os.environ | {"ARTEFACTS": ""}
    command = ["make", "--dry-run", "deploy", "ENV=prod"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert '--artefacts ""' in done.stdout
