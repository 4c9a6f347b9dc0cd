"""`clients/typescript`, built from the contract and run by Node.js on the running stack."""

import io
import json
import os
import re
import subprocess
import tarfile
import tomllib
from pathlib import Path

import pytest

from local_aws_tests.support import node_packages
from tools import ROOT
from tools.laptop.client import Client
from tools.release import client_packages

FOLDER = ROOT / "clients/typescript"
EXAMPLE = re.compile(r"^```typescript\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def example_output() -> str:
    """Return the output that the README shows for its example, which is compiled with the client."""
    [(code, printed)] = EXAMPLE.findall((FOLDER / "README.md").read_text())
    (FOLDER / "tests/readme.ts").write_text(code)
    node_packages.install(FOLDER)
    run({}, "npm", "run", "--silent", "build")
    return str(printed)


def test_the_client_signs_in_reads_and_changes(
    client: Client, newcomer: dict[str, str], example_output: str, hosted_client: str
) -> None:
    environment = newcomer | {
        "ADMIN_EMAIL": client.outputs.admin_email,
        "ADMIN_PASSWORD": client.outputs.admin_password,
        "HOSTED_CLIENT": hosted_client,
    }
    run(environment, "npm", "run", "--silent", "test")


def test_the_example_prints_the_output_in_the_readme(
    newcomer: dict[str, str], example_output: str
) -> None:
    assert run(newcomer, "node", "dist/tests/readme.js") == example_output


def test_the_console_compiles_with_the_client(example_output: str) -> None:
    console = ROOT / "examples/web"
    node_packages.install(console)
    run({}, "npm", "run", "--silent", "--prefix", str(console), "check")


def test_the_package_for_npm_has_the_client_and_the_projects_version(
    example_output: str, tmp_path: Path
) -> None:
    with tarfile.open(client_packages.npm(ROOT, tmp_path)) as tarball:
        names = {name.removeprefix("package/") for name in tarball.getnames()}
        package = json.load(tarball.extractfile("package/package.json") or io.BytesIO())
    modules = {file.stem for file in (FOLDER / "src").glob("*.ts")}
    built = {f"dist/src/{module}.{kind}" for module in modules for kind in ("js", "d.ts")}
    assert names == built | {"package.json", "README.md", "LICENSE"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert package["version"] == project["version"]
    assert package["dependencies"].keys() == {"openapi-fetch"}


def run(environment: dict[str, str], *command: str) -> str:
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        command, cwd=FOLDER, env=direct | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
