"""The wheel alone, in an environment without this repository, with a Terraform root."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from local_aws.supervisor.ports import free_ports

PACKAGE = Path(__file__).resolve().parents[3]
EXAMPLE = PACKAGE / "examples" / "hello"
LOCKS = PACKAGE.parents[1] / "requirements"
REGION = "eu-central-1"
PASSWORD = "Correct-Horse-7"


@dataclass(frozen=True)
class Hello:
    """The example `hello` on services that the installed command started."""

    command: Path
    root: Path
    api_port: int
    aws_port: int

    def run(self, *arguments: str) -> str:
        ports = {"API_PORT": str(self.api_port), "AWS_PORT": str(self.aws_port)}
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PYTHON", "ATRIUM", "VIRTUAL_ENV"))
        }
        done = subprocess.run(
            [self.command, *arguments, "--root", self.root],
            env=inherited | ports,
            cwd=self.root.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def outputs(self) -> dict[str, str]:
        state = json.loads((self.root / ".local-aws/terraform/root.tfstate").read_text())
        return {name: output["value"] for name, output in state["outputs"].items()}

    def call(self, method: str, token: str = "") -> tuple[int, Any]:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.api_port}{self.outputs['path']}",
            method=method,
            headers={"Authorization": token} if token else {},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def client(self, service: str, **options: Any) -> Any:
        return boto3.client(  # type: ignore[call-overload]
            service,
            endpoint_url=f"http://127.0.0.1:{self.aws_port}",
            region_name=REGION,
            aws_access_key_id="local",
            aws_secret_access_key="local",
            **options,
        )

    def token(self) -> str:
        """Sign a user up and in, and return the ID token."""
        cognito = self.client("cognito-idp", config=Config(signature_version=UNSIGNED))
        app, user = {"ClientId": self.outputs["user_pool_client_id"]}, "ada@example.org"
        cognito.sign_up(Username=user, Password=PASSWORD, **app)
        with urllib.request.urlopen(f"http://127.0.0.1:{self.aws_port}/_local/inbox") as inbox:
            [mail] = json.load(inbox)
        cognito.confirm_sign_up(Username=user, ConfirmationCode=mail["code"], **app)
        answer = cognito.initiate_auth(
            AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": user, "PASSWORD": PASSWORD},
            **app,
        )
        return str(answer["AuthenticationResult"]["IdToken"])


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """Return the folder of a new environment with only the wheel and its dependencies."""
    uv = os.environ.get("UV") or shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    built, made = tmp_path / "dist", tmp_path / "environment"
    locks = " ".join(f"--constraints {LOCKS / file}" for file in ("dev.txt", "runtime.txt"))
    for command in (
        f"build --quiet --wheel --python {sys.executable} --out-dir {built} {PACKAGE}",
        f"venv --quiet --python {sys.executable} {made}",
        f"pip install --quiet --python {made} --find-links {built} {locks} local-aws",
    ):
        subprocess.run([uv, *shlex.split(command)], check=True, cwd=tmp_path)
    return made


@pytest.fixture
def hello(environment: Path, tmp_path: Path) -> Iterator[Hello]:
    root = tmp_path / "hello"
    shutil.copytree(EXAMPLE, root, ignore=shutil.ignore_patterns(".*"))
    made = Hello(environment / "bin" / "local-aws", root, *free_ports())
    yield made
    made.run("reset")


def test_the_wheel_alone_applies_and_serves_a_root(hello: Hello, environment: Path) -> None:
    """Test everything at once, so that the environment and the services are created once."""
    assert others_in(environment) == []
    hello.run("up")
    a_root_is_served(hello)
    the_user_pool_and_iam_decide(hello)
    a_stop_keeps_the_data_and_a_reset_deletes_it(hello)


def others_in(environment: Path) -> Any:
    """Return the other modules of this repository that the environment can import."""
    search = "import importlib.util as i; print([n for n in ('atrium', 'tools') if i.find_spec(n)])"
    done = subprocess.run(
        [environment / "bin" / "python", "-I", "-c", search],
        check=True,
        capture_output=True,
        text=True,
    )
    return json.loads(done.stdout.replace("'", '"'))


def a_root_is_served(hello: Hello) -> None:
    assert hello.call("GET") == (200, {"message": "Hello, Ada!", "times": 1})
    assert hello.call("GET") == (200, {"message": "Hello, Ada!", "times": 2})
    [message] = hello.client("sqs").receive_message(QueueUrl=hello.outputs["queue_url"])["Messages"]
    assert message["Body"] == "Ada was greeted"


def the_user_pool_and_iam_decide(hello: Hello) -> None:
    assert hello.call("DELETE") == (401, {"message": "Unauthorized"})
    status, answer = hello.call("DELETE", hello.token())
    assert status == 403
    assert "not authorized to perform: dynamodb:DeleteItem" in answer["message"]


def a_stop_keeps_the_data_and_a_reset_deletes_it(hello: Hello) -> None:
    assert "aws_endpoint_url" in hello.run("status")
    assert re.search(r"emulated +dynamodb +UpdateItem +2\n", hello.run("coverage"))
    assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{hello.aws_port}" in hello.run("env")
    assert hello.run("down") == "Stopped.\n"
    assert hello.run("status").startswith("down.")
    assert (hello.root / ".local-aws" / "items.sqlite").exists()
    hello.run("reset")
    assert not (hello.root / ".local-aws").exists()
