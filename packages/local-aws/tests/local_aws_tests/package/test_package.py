"""Promises of the package: its dependencies, its messages, its example and its refusals."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PACKAGE = Path(__file__).resolve().parents[3]
LOCK = PACKAGE.parents[1] / "requirements" / "dev.txt"
SOURCES = sorted((PACKAGE / "src").rglob("*.py"))
RUNTIME = {"awslambdaric"}  # imported by functions, from a folder of their own


def declared() -> dict[str, Requirement]:
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    found = [Requirement(text) for text in project["dependencies"]]
    return {canonicalize_name(each.name): each for each in found}


def locked() -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==([^\s;\\]+)", LOCK.read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def imported() -> Iterator[tuple[str, Path]]:
    for file in SOURCES:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.partition(".")[0], file) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield node.module.partition(".")[0], file


def test_every_import_is_declared() -> None:
    """Check that nothing else is imported either, such as a module of this repository."""
    distributions = packages_distributions()
    wanted = {
        canonicalize_name(distributions.get(name, [name])[0]): file
        for name, file in imported()
        if name not in sys.stdlib_module_names and name != "local_aws"
    }
    # botocore is installed with boto3, which the runtime needs anyway
    missing = wanted.keys() - declared().keys() - {"botocore"}
    assert not {name: wanted[name].name for name in missing}


def test_a_declared_dependency_admits_the_tested_version() -> None:
    tested = locked()
    for name, requirement in declared().items():
        if name not in RUNTIME:
            assert requirement.specifier.contains(tested[name]), f"{requirement}: {tested[name]}"


def test_no_text_names_another_program() -> None:
    texts = {file: file.read_text() for file in (*SOURCES, PACKAGE / "README.md")}
    other = re.compile(
        r"atrium|`make\b|\bmake (up|down|reset|logs|status|env|dev|migrate)\b", re.IGNORECASE
    )
    assert not {
        file.name: found[0] for file, text in texts.items() if (found := other.search(text))
    }


def test_moto_is_set_up_in_one_place() -> None:
    setting = [file.name for file in SOURCES if 'environ["MOTO' in file.read_text()]
    assert setting == ["__init__.py"]


def test_the_zip_of_the_example_contains_its_source() -> None:
    example = PACKAGE / "examples" / "hello"
    with zipfile.ZipFile(example / "hello.zip") as archive:
        assert archive.namelist() == ["hello.py"]
        assert archive.read("hello.py") == (example / "hello.py").read_bytes()


def up(root: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "local_aws", "up", "--root", root],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert not (root / ".local-aws").exists()
    return done.stderr


def test_a_folder_without_terraform_is_refused(tmp_path: Path) -> None:
    assert f"{tmp_path} has no .tf file. Name the folder of a Terraform root" in up(tmp_path)


@pytest.mark.parametrize(
    ("block", "kind"), [('backend "s3" {}', "s3"), ('cloud {\n organization = "x"\n }', "cloud")]
)
def test_a_remote_state_is_refused(tmp_path: Path, block: str, kind: str) -> None:
    (tmp_path / "main.tf").write_text(f"terraform {{\n  {block}\n}}\n")
    assert f"main.tf has the backend {kind}" in up(tmp_path)


def test_a_local_backend_is_accepted() -> None:
    from local_aws.commands.root import _BACKEND

    assert not _BACKEND.search('terraform {\n  backend "local" {}\n}')
