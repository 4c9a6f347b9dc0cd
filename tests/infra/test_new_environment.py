"""`make new-environment NAME=staging`: a complete new environment, and refusals."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from tools.deploy.errors import RefusedError
from tools.deploy.terraform.offline_plan import offline
from tools.setup import new_environment

ROOT = Path(__file__).resolve().parents[2]
ROLES = """
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "offline"
  secret_key                  = "offline"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

run "roles" {
  command = plan

  variables {
    account_id        = "000000000000"
    github_repository = "example/atrium"
    state_bucket      = "example-states"
  }

  assert {
    condition     = keys(aws_iam_role.deploy) == ["dev", "prod", "staging"]
    error_message = "One role for each."
  }
}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in ("envs", ".github"):
        shutil.copytree(
            ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns(".terraform")
        )
    (tmp_path / "modules").symlink_to(ROOT / "modules")
    return tmp_path


@pytest.fixture
def staging(repository: Path) -> Path:
    """Return the repository with the new environment."""
    new_environment.write(repository, "staging", "prod")
    return repository


def test_the_tests_of_environments_pass_with_the_new_one(staging: Path) -> None:
    """Run a copy of the same tests, which discover the environment."""
    (staging / "tests/infra").mkdir(parents=True)
    for name in ("test_environments.py", "test_address_plans.py"):
        shutil.copy2(ROOT / "tests/infra" / name, staging / "tests/infra")
    (staging / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "tests"]
    ran = subprocess.run(command, cwd=staging, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout
    for test in (
        "test_shared_files_are_equal_byte_for_byte[main.tf-staging]",
        "test_each_environment_has_a_deploy_job[staging]",
    ):
        assert f"{test} PASSED" in " ".join(ran.stdout.split())


def test_the_new_environment_has_the_content_of_its_source(staging: Path) -> None:
    prod, other = (
        (staging / "envs" / name / "locals.tf").read_text() for name in ("prod", "staging")
    )
    assert other == prod.replace('stage   = "prod"', 'stage   = "staging"').replace(
        "10.30.0.0/16", "10.40.0.0/16"
    )


def test_two_more_environments_get_their_own_address_ranges_and_an_order(staging: Path) -> None:
    new_environment.write(staging, "demo", "dev")
    assert '"10.50.0.0/16"' in (staging / "envs/demo/locals.tf").read_text()
    workflow = (staging / new_environment.WORKFLOW).read_text()
    jobs = ("dev:", "staging:", "demo:", "prod:")
    assert sorted(jobs, key=lambda job: workflow.index(f"\n  {job}")) == list(jobs)
    for needs in ("[build, test]", "[build, dev]", "[build, staging]", "[build, demo]"):
        assert workflow.count(f"needs: {needs}") == 1


def test_the_workflows_are_valid(staging: Path) -> None:
    subprocess.run(
        ["git", "init", "--quiet", str(staging)], check=True
    )  # actionlint looks for a repository
    actionlint = Path(sys.executable).with_name("actionlint")
    ran = subprocess.run([actionlint, "-color=false"], cwd=staging, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_bootstrap_creates_its_deploy_role(staging: Path) -> None:
    root = staging / "envs/bootstrap"
    shutil.rmtree(root / "tests")
    (root / "tests").mkdir()
    (root / "tests/roles.tftest.hcl").write_text(ROLES)
    environment = offline(os.environ) | providers.environment(staging)
    for arguments in (("init", "-backend=false", "-input=false", "-lockfile=readonly"), ("test",)):
        command = [terraform(ROOT / ".local"), *arguments, "-no-color"]
        ran = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("name", "source", "why"),
    [
        ("", "prod", "A name is missing"),
        ("Staging", "prod", "not lower-case letters and digits"),
        ("pre-prod", "prod", "not lower-case letters and digits"),
        ("deploy", "prod", "is reserved"),
        ("local", "prod", "is reserved"),
        ("dev", "prod", "envs/dev exists already"),
        ("staging", "live", "FROM is one of: dev, prod."),
    ],
)
def test_an_invalid_name_is_refused(repository: Path, name: str, source: str, why: str) -> None:
    before = sorted(repository.rglob("*"))
    with pytest.raises(RefusedError, match=why):
        new_environment.write(repository, name, source)
    assert sorted(repository.rglob("*")) == before
