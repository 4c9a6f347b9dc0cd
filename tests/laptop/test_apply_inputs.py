"""The reasons for which `make up` runs Terraform: any change of what Terraform reads."""

import re
import shutil
from pathlib import Path

import pytest

from local_aws.settings import Settings
from tools.deploy.terraform.scratch import FUNCTION_ENVIRONMENT, RUNTIME, ScratchRoot

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("envs/dev", "modules", "packages", "tools"):
        shutil.copytree(
            ROOT / folder,
            tmp_path / folder,
            ignore=shutil.ignore_patterns(".terraform", "__pycache__"),
        )
    for file in (
        "functions/users/function.yaml",
        "build/functions/users.zip",
        "build/layer/local/kernel.zip",
        "build/gateway.json",
    ):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("as built")
    return tmp_path


def inputs(checkout: Path) -> str:
    root = ScratchRoot(Settings(root=checkout), "dev")
    root.write()
    return root.inputs()


def test_inputs_are_equal_without_a_change(checkout: Path) -> None:
    assert inputs(checkout) == inputs(checkout)


@pytest.mark.parametrize(
    "file",
    [
        "envs/dev/locals.tf",
        "modules/dynamodb/main.tf",
        "functions/users/function.yaml",
        "build/functions/users.zip",
        "build/layer/local/kernel.zip",
        "build/gateway.json",
        "packages/local-aws/src/local_aws/database/rds.py",
    ],
)
def test_a_changed_file_that_terraform_reads_changes_the_inputs(checkout: Path, file: str) -> None:
    before = inputs(checkout)
    (checkout / file).write_text((checkout / file).read_text() + "\n# changed")
    assert inputs(checkout) != before


def test_a_changed_variable_changes_the_inputs(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = inputs(checkout)
    monkeypatch.setenv("TF_VAR_stage", "other")
    assert inputs(checkout) != before


@pytest.mark.parametrize("name", ["dev", "prod"])
def test_the_laptop_adds_to_the_settings_of_the_environment(name: str) -> None:
    """Check main.tf, because the laptop's override replaces the whole values."""
    main = (ROOT / f"envs/{name}/main.tf").read_text()
    for argument, known in (("runtime", RUNTIME), ("environment", FUNCTION_ENVIRONMENT)):
        assert re.findall(rf"^  {argument} += (.*)$", main, re.M) == [known]
