"""The environments as one composition: they differ in two files only."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENTS = ROOT / "envs"
NAMES = sorted(file.parent.name for file in ENVIRONMENTS.glob("*/main.tf"))
ROOTS = ["bootstrap", *NAMES]
OTHERS = [name for name in NAMES if name != "dev"]
MAY_DIFFER = {"backend.tf", "locals.tf"}
LOCK = ".terraform.lock.hcl"
# The platforms of provider 5.100.0. `terraform init` fails or changes the lock where a checksum is
# missing.
PLATFORMS = 14


def files(environment: str) -> dict[str, bytes]:
    """Return name → content, without files of a developer's own `terraform init`."""
    found = (file for file in (ENVIRONMENTS / environment).iterdir() if file.is_file())
    return {
        file.name: file.read_bytes()
        for file in found
        if file.name == LOCK or not file.name.startswith(".")
    }


def names_of_locals(environment: str) -> set[str]:
    return set(
        re.findall(
            r"^  (\w+)\s+=", (ENVIRONMENTS / environment / "locals.tf").read_text(), re.MULTILINE
        )
    )


@pytest.mark.parametrize("other", OTHERS)
def test_all_environments_have_the_same_files(other: str) -> None:
    assert files("dev").keys() == files(other).keys()


@pytest.mark.parametrize("other", OTHERS)
@pytest.mark.parametrize("name", sorted(files("dev").keys() - MAY_DIFFER))
def test_shared_files_are_equal_byte_for_byte(name: str, other: str) -> None:
    assert files("dev")[name] == files(other).get(name), (
        f"Make envs/{other}/{name} a copy of envs/dev/{name}."
    )


@pytest.mark.parametrize("other", OTHERS)
def test_all_environments_define_the_same_locals(other: str) -> None:
    assert names_of_locals("dev") == names_of_locals(other)
    assert {"project", "stage", "region", "deletion_protection"} <= names_of_locals("dev")


@pytest.mark.parametrize("other", OTHERS)
def test_backends_differ_only_in_their_key(other: str) -> None:
    dev = files("dev")["backend.tf"].decode()
    assert '"dev/terraform.tfstate"' in dev
    assert dev.replace('"dev/', f'"{other}/') == files(other)["backend.tf"].decode()


@pytest.mark.parametrize("name", NAMES)
def test_the_stage_is_the_name_of_the_folder(name: str) -> None:
    assert re.search(rf'^  stage +=\s+"{name}"$', files(name)["locals.tf"].decode(), re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_each_environment_has_a_deploy_job(name: str) -> None:
    jobs = yaml.safe_load((ROOT / ".github/workflows/deploy.yaml").read_text())["jobs"]
    assert jobs[name]["with"]["environment"] == name
    assert f"vars.{name.upper()}_AWS_ACCOUNT_ID" in jobs[name]["with"]["account"]


@pytest.mark.parametrize("environment", ROOTS)
def test_the_state_is_locked_and_encrypted_in_a_bucket_named_elsewhere(environment: str) -> None:
    backend = files(environment)["backend.tf"].decode()
    assert re.search(r"use_lockfile\s+= true", backend)
    assert re.search(r"encrypt\s+= true", backend)
    assert not re.search(r"^\s+bucket\s+=", backend, re.MULTILINE)


def test_prod_is_protected() -> None:
    prod = files("prod")["locals.tf"].decode()
    for setting in (
        r"deletion_protection\s+= true",
        r"multi_az\s+= true",
        r"password_auth_flow\s+= false",
    ):
        assert re.search(setting, prod), f"envs/prod/locals.tf must say {setting}"
    assert not re.search(r"waf\s+= null", prod)


@pytest.mark.parametrize(
    "file",
    [
        file
        for root in ("modules", "envs", "examples")
        for file in sorted(ROOT.glob(f"{root}/*/*.tf"))
    ],
    ids=str,
)
def test_no_account_number_is_in_the_files(file: Path) -> None:
    assert not re.search(r"(?<!\d)(?!0{12})\d{12}(?!\d)", file.read_text()), (
        "Account ids come as variables."
    )


def test_versions_are_the_same_in_all_environments() -> None:
    folders = [
        folder
        for folder in [*ROOT.glob("modules/*"), *ENVIRONMENTS.iterdir(), *ROOT.glob("examples/*")]
        if any(folder.glob("*.tf"))
    ]
    contents = {(folder / "versions.tf").read_text() for folder in folders}
    assert {folder.name for folder in folders} >= set(ROOTS)
    assert len(contents) == 1, (
        "versions.tf in modules/*, envs/* and examples/* must be copies of one another."
    )


@pytest.mark.parametrize("environment", ROOTS)
def test_the_lock_file_supports_every_platform(environment: str) -> None:
    lock = files(environment)[LOCK].decode()
    assert len(re.findall(r'^    "h1:[A-Za-z0-9+/]{43}=",$', lock, re.MULTILINE)) == PLATFORMS
    assert (
        len(re.findall(r'^    "zh:[0-9a-f]{64}",$', lock, re.MULTILINE)) == PLATFORMS + 1
    )  # one more for the manifest
    assert lock.count("provider ") == 1


@pytest.mark.parametrize(
    "file", sorted(ENVIRONMENTS.glob("bootstrap/*.tf")), ids=lambda file: file.name
)
def test_bootstrap_iterates_over_no_resource(file: Path) -> None:
    """Check that no `for_each` in envs/bootstrap depends on a resource.

    `make bootstrap` imports the bucket. During an import, Terraform does not know the attributes of
    other resources, so such a `for_each` would fail.
    """
    assert not re.search(r"^\s*for_each\s*=.*\baws_", file.read_text(), re.MULTILINE)
