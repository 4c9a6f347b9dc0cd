"""Every `validation` has a refusal in `tests/refusals.tftest.hcl` that fails without it.

Validations read only variables, so these tests run on variables.tf alone, in milliseconds.
`terraform test` in the module runs the same file with the real provider.
"""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local_aws.terraform.binary import terraform

ROOT = Path(__file__).resolve().parents[2]
VALIDATED = sorted(
    file.parent.relative_to(ROOT)
    # The other environments have the same bytes as dev: test_environments.py.
    for file in [
        *ROOT.glob("modules/*/variables.tf"),
        *(ROOT / "envs" / name / "variables.tf" for name in ("bootstrap", "dev")),
    ]
)
VARIABLE = re.compile(r'^variable "(?P<name>\w+)" \{\n(?P<body>.*?)^\}\n', re.MULTILINE | re.DOTALL)
VALIDATION = re.compile(r"^  validation \{\n.*?^  \}\n", re.MULTILINE | re.DOTALL)
RUN = re.compile(r'^run "(?P<name>\w+)" \{\n.*?^\}\n', re.MULTILINE | re.DOTALL)
PROVIDER = re.compile(r"^provider .*?^\}\n", re.MULTILINE | re.DOTALL)
MISSING = re.compile(r"var\.(\w+)")


def validations(text: str) -> dict[str, int]:
    """Return variable → number of its validations."""
    return {
        name: len(VALIDATION.findall(body))
        for name, body in VARIABLE.findall(text)
        if VALIDATION.search(body)
    }


def without(text: str, position: int) -> str:
    """Return `text` without the validation at this position, in each variable that has as many."""

    def lighter(variable: re.Match[str]) -> str:
        taken = VALIDATION.findall(variable["body"])[position : position + 1]
        return variable[0].replace(taken[0], "") if taken else variable[0]

    return VARIABLE.sub(lighter, text)


def lay_out(folder: Path, to: Path) -> Path:
    """Write variables.tf and a file for each refusal, because a failing run ends its file.

    An environment's refusals lie beside this test: envs/ contains only what is applied.
    """
    shutil.copytree(ROOT / folder, to, ignore=lambda *_: {".terraform", ".terraform.lock.hcl"})
    own = to / "tests/refusals.tftest.hcl"
    refusals = own if own.exists() else ROOT / "tests/infra/environment_refusals.tftest.hcl"
    text = PROVIDER.sub("", refusals.read_text())
    for file in [*to.glob("*.tf"), *to.glob("tests/*.tftest.hcl")]:
        if file.name != "variables.tf":
            file.unlink()
    own.parent.mkdir(exist_ok=True)
    for run in RUN.finditer(text):
        own.with_name(f"{run['name']}.tftest.hcl").write_text(RUN.sub("", text) + run[0])
    return to


def not_refused(folder: Path) -> set[str]:
    """Return the variables that a run expected to be refused, and that were not."""
    command = [terraform(ROOT / ".local"), "test", "-json"]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    messages = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("{")]
    errors = [message["diagnostic"] for message in messages if message["type"] == "diagnostic"]
    assert ran.returncode == 0 or errors, ran.stdout + ran.stderr
    unexpected = [error for error in errors if error["summary"] != "Missing expected failure"]
    assert not unexpected, unexpected
    return {name for error in errors for name in MISSING.findall(error["detail"])}


@pytest.mark.parametrize("folder", VALIDATED, ids=str)
def test_every_validation_is_needed_by_a_refusal(folder: Path, tmp_path: Path) -> None:
    copy = lay_out(folder, tmp_path / "module")
    text = (copy / "variables.tf").read_text()
    counted = validations(text)
    assert sum(counted.values()) == text.count("validation {")
    assert not_refused(copy) == set()
    for position in range(max(counted.values())):
        (copy / "variables.tf").write_text(without(text, position))
        assert not_refused(copy) == {name for name, count in counted.items() if count > position}, (
            f"Taken away: validation {position + 1} of each variable. One that is missing here has no `expect_failures`."
        )
