"""An account of the laptop's AWS that workflows deploy to with the repository's real commands.

The account starts empty. The repository is a copy of this tree with `.ci/run` stubbed, since the
tests would run themselves. GitHub's API is `tests/pipelines/github_repository.py`.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from local_aws.supervisor.ports import free_ports
from tests.pipeline_runs import upload_code
from tests.pipelines import github_repository
from tests.pipelines.github_repository import Repository
from tests.pipelines.workflow_runs import ACCOUNT, REPOSITORY, ROOT, Scratch
from tools.build.uv import uv

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
SETTINGS = {
    "PROJECT_NAME": "atrium",
    "AWS_REGION": REGION,
    "AWS_ACCOUNT_ID": ACCOUNT,
    "STATE_BUCKET": "example-states",
}
# Repository variables with which only dev is deployed, because all of an account shares one
# Postgres.
DEV = {f"DEV_{name}" if name in ("AWS_ACCOUNT_ID", "STATE_BUCKET") else name: value for name, value in SETTINGS.items()}  # fmt: skip
BOTH = DEV | {f"PROD_{name}": SETTINGS[name] for name in ("AWS_ACCOUNT_ID", "STATE_BUCKET")}
NATIVE = {"x86_64": "x86_64", "arm64": "arm64", "aarch64": "arm64"}[platform.machine()]

# Runs in place of make: records the target, links the environment, and runs the target. The
# functions' code comes from a bucket.
MAKE = """\
#!/bin/sh
set -e
python3 "$RECORDER" make "$@"
[ -e .venv ] || python3 "$LINK_ENVIRONMENT" "$ENVIRONMENT_OF"
export GITHUB_API_URL="$GITHUB_ADDRESS"
case "$1" in deploy) .venv/bin/python "$UPLOAD_CODE";; esac
exec "$REAL_MAKE" "$@"
"""
GH = """\
#!/bin/sh
exec python3 "$RECORDER" gh "command=$*"
"""


@dataclass
class LaptopAccount:
    """The account, its repository, and GitHub."""

    folder: Path
    api_port: int
    aws_port: int
    github: Repository
    scratch: Scratch

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )

    def make(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run make as an administrator at their machine does, with a `.env` in the shell."""
        shell = (
            SETTINGS | KEYS | {"GITHUB_REPOSITORY": REPOSITORY, "AWS_ENDPOINT_URL": self.endpoint}
        )
        known = _inherited() | shell | {"API_PORT": str(self.api_port), **_passed_on()}
        repository = self.scratch.repository
        if not (repository / ".venv").exists():
            link = [sys.executable, str(LINK), str(ROOT / ".venv")]
            subprocess.run(link, cwd=repository, check=True)
        return subprocess.run(
            ["make", *arguments],
            cwd=repository,
            env=known,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def trust_of_roles(self) -> dict[str, Any]:
        """Return the trust policies of the roles that `make bootstrap` created."""
        pages = self.client("iam").get_paginator("list_roles").paginate()
        roles = [role for page in pages for role in page["Roles"]]
        return {role["RoleName"]: role["AssumeRolePolicyDocument"] for role in roles}

    def serving(self) -> str:
        """Return the version of `meta` that callers get, and the API's health response."""
        try:
            alias = self.client("lambda").get_alias(FunctionName="atrium-dev-meta", Name="live")
        except Exception:
            return "nothing"
        [api] = self.client("apigateway").get_rest_apis()["items"]
        path = f"/restapis/{api['id']}/dev/_user_request_/v1/health"
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.api_port}{path}") as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        return f"meta {alias['FunctionVersion']}, health {status}"

    def change(self, file: str, old: str, new: str, message: str) -> str:
        """Change a file of the repository and commit it; return the commit."""
        path = self.scratch.repository / file
        text = path.read_text()
        assert old in text, file
        path.write_text(text.replace(old, new, 1))
        return self.scratch.commit(message)


LINK = Path(__file__).with_name("link_environment.py")


@contextmanager
def laptop_account(folder: Path, *, kept: bool) -> Iterator[LaptopAccount]:
    """Start an empty account, and delete it in the end.

    An account that is `kept` is only stopped, and started again from the same folder.
    """
    services, programs = folder / "services", folder / "bin"
    api_port, aws_port = _ports(folder / "ports.json")
    (services / ".local-aws").mkdir(parents=True, exist_ok=True)
    if not (services / ".local-aws/runtime").exists():
        (services / ".local-aws/runtime").symlink_to(ROOT / ".venv/lambda-runtime")
    github = Repository()
    programs.mkdir(exist_ok=True)
    for name, text in (("make", MAKE), ("gh", GH)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    try:
        _local_aws("up", services, api_port, aws_port)
        with github_repository.served(github) as address:
            scratch = Scratch(
                folder / "act",
                {},
                _whole,
                REAL="1",
                PATH=f"{programs}:{os.environ['PATH']}",
                REAL_MAKE=str(shutil.which("make")),
                LINK_ENVIRONMENT=str(LINK),
                UPLOAD_CODE=upload_code.__file__,
                ENVIRONMENT_OF=str(ROOT / ".venv"),
                GITHUB_ADDRESS=address,
                API_PORT=str(api_port),
                LAPTOPS_AWS=f"http://127.0.0.1:{aws_port}",
                **_passed_on(),
            )
            yield LaptopAccount(folder, api_port, aws_port, github, scratch)
    finally:
        _local_aws("down" if kept else "reset", services, api_port, aws_port)


def _ports(file: Path) -> tuple[int, int]:
    """Return the ports of this account, chosen at its first start: its resources name them."""
    if not file.exists():
        file.write_text(json.dumps(free_ports()))
    api_port, aws_port = json.loads(file.read_text())
    return api_port, aws_port


def _local_aws(command: str, folder: Path, api_port: int, aws_port: int) -> None:
    ports = ("--api-port", str(api_port), "--aws-port", str(aws_port))
    subprocess.run(
        [sys.executable, "-m", "local_aws", command, *ports, "--database", "atrium"],
        cwd=folder,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _whole(repository: Path) -> None:
    """Copy this tree's files. Functions get this machine's architecture and the bucket of code."""
    listed = ("git", "ls-files", "--cached", "--others", "--exclude-standard")
    files = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in files.splitlines():
        if os.path.lexists(ROOT / name):
            (repository / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, repository / name, follow_symlinks=False)
    settings = repository / "envs/dev/locals.tf"
    text = settings.read_text()
    assert 'architecture = "arm64"' in text
    ours = f'architecture = "{NATIVE}", code_bucket = "{upload_code.BUCKET}"'
    settings.write_text(text.replace('architecture = "arm64"', ours, 1))


def _passed_on() -> dict[str, str]:
    """Return variables that avoid repeated downloads, because each job has a home folder of its
    own.
    """
    cache = subprocess.run([uv(), "cache", "dir"], check=True, capture_output=True, text=True)
    return {"UV_CACHE_DIR": cache.stdout.strip(), "UV": uv()}


def _inherited() -> dict[str, str]:
    left_out = ("AWS_", "TF_VAR_", "GITHUB_", "API_PORT", "ATRIUM_", "MAKE", "PYTHON")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
