"""Interrupted deploys, which keep their state and release their lock at every point.

Terraform is real, with its S3 backend on moto. Deploys are interrupted as by a runner that cancels
a job, and by single signals.
"""

import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local_aws.terraform import providers
from local_aws_tests.support.waiting import settle
from tests.pipelines.s3_endpoint import BUCKET, REGION, Endpoint, endpoint
from tools.deploy import stored_locks

ROOT = Path(__file__).resolve().parents[2]
STATE = "dev/terraform.tfstate"
MAIN = f"""
terraform {{
  backend "s3" {{
    key          = "{STATE}"
    encrypt      = true
    use_lockfile = true
  }}
}}

resource "terraform_data" "first" {{
  input = "first"
}}

resource "terraform_data" "slow" {{
  input = terraform_data.first.output
  provisioner "local-exec" {{
    command = "touch applying; while [ ! -e go ]; do sleep 0.05; done"
  }}
}}
"""
DEPLOY = f"""
import sys
from pathlib import Path
from tools.deploy import command
from tools.deploy.configuration import Configuration
from tools.deploy.terraform.root import Root

root = Root(Path("envs/dev").absolute(), Configuration("dev", {{"STATE_BUCKET": "{BUCKET}", "AWS_REGION": "{REGION}"}}))

def deploy():
    root.init()
    with root.plan(lock=True) as plan:
        root.apply(plan)

sys.exit(command.run("deploy", deploy))
"""


@dataclass
class Deploy:
    """A deploy of a root of two resources, the second of which waits for a file named `go`."""

    folder: Path
    endpoint: Endpoint

    @property
    def root(self) -> Path:
        return self.folder / "envs/dev"

    def start(self, *wrapper: str, **variables: str) -> "subprocess.Popen[str]":
        environment = os.environ | providers.environment(self.folder) | self.endpoint.environment
        return subprocess.Popen(
            [*wrapper, sys.executable, "-c", DEPLOY],
            cwd=self.folder,
            env=environment | {"PYTHONPATH": str(ROOT)} | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def reach(self, cut: str) -> None:
        """Wait until the deploy is at the point of its interruption."""
        if cut == "apply":
            assert settle((self.root / "applying").exists, 120)
        else:
            assert self.endpoint.reached.wait(120)

    def locks(self) -> list[stored_locks.Lock]:
        return stored_locks.found(self.endpoint.client(), BUCKET, "dev")

    def resources(self) -> list[str]:
        content = self.endpoint.client().get_object(Bucket=BUCKET, Key=STATE)["Body"].read()
        return [resource["name"] for resource in json.loads(content)["resources"]]


@pytest.fixture
def deploy(tmp_path: Path) -> Iterator[Deploy]:
    folder = tmp_path / "envs/dev"
    folder.mkdir(parents=True)
    (folder / "main.tf").write_text(MAIN)
    with endpoint() as served:
        yield Deploy(tmp_path, served)


def hold_at(served: Endpoint, cut: str) -> None:
    """Block init at its first request, and plan when it reads the state under its lock."""
    locked: list[bool] = []

    def chosen(method: str, path: str) -> bool:
        if method == "PUT" and path.endswith(".tflock"):
            locked.append(True)
        at_init = cut == "init" and method in ("GET", "HEAD")
        return at_init or (cut == "plan" and bool(locked) and path.endswith(STATE))

    served.hold(chosen)


def as_a_runner_cancels(process: "subprocess.Popen[str]", served: Endpoint) -> None:
    """Signal only the step's shell, as actions/runner does: ProcessInvoker.cs."""
    for number, seconds in ((signal.SIGINT, 7.5), (signal.SIGTERM, 2.5), (signal.SIGKILL, None)):
        process.send_signal(number)
        served.release()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


def by_ctrl_c(process: "subprocess.Popen[str]", served: Endpoint) -> None:
    os.killpg(process.pid, signal.SIGINT)
    served.release()


def by_ctrl_c_twice(process: "subprocess.Popen[str]", served: Endpoint) -> None:
    os.killpg(process.pid, signal.SIGINT)
    by_ctrl_c(process, served)


def by_sigterm(process: "subprocess.Popen[str]", served: Endpoint) -> None:
    process.send_signal(signal.SIGTERM)
    served.release()


Cut = Callable[["subprocess.Popen[str]", Endpoint], None]


POINTS = ["init", "plan", "apply"]
CUTS = [as_a_runner_cancels, by_ctrl_c, by_ctrl_c_twice, by_sigterm]
WHOLE = list(itertools.product(POINTS, CUTS))  # for make proof-pipelines
SOME = [("apply", as_a_runner_cancels), ("plan", by_ctrl_c_twice)]


@pytest.mark.parametrize(("point", "cut"), WHOLE if os.environ.get("WHOLE_MATRIX") else SOME)
def test_an_interrupted_deploy_keeps_the_state_and_no_lock(
    deploy: Deploy, point: str, cut: Cut
) -> None:
    hold_at(deploy.endpoint, point)
    process = deploy.start(*runner_step(cut))
    deploy.reach(point)
    cut(process, deploy.endpoint)
    output = process.communicate()[0]
    assert process.returncode == 130, output
    assert "Terraform finishes its running operations" in output
    assert settle(lambda: not deploy.locks(), 60), output
    if point == "apply":
        assert "first" in deploy.resources()
    (deploy.root / "go").touch()
    again = deploy.start()
    output = again.communicate()[0]
    assert again.returncode == 0, output
    assert deploy.resources() == ["first", "slow"]


def runner_step(cut: Cut) -> list[str]:
    """Return the beginning of a step's command line: bash, as GitHub starts it, to be cancelled."""
    script = f'exec {ROOT}/.ci/interruptible "$@"'
    return ["bash", "-e", "-c", script, "step"] if cut is as_a_runner_cancels else []


def test_terraform_completes_when_only_its_caller_is_killed(deploy: Deploy) -> None:
    process = deploy.start()
    deploy.reach("apply")
    process.kill()
    process.wait()
    assert [lock.kind for lock in deploy.locks()] == ["state"]
    (deploy.root / "go").touch()
    assert settle(lambda: not deploy.locks(), 60)
    assert deploy.resources() == ["first", "slow"]
    assert process.stdout
    process.stdout.close()


def test_a_killed_terraform_leaves_a_lock_that_unlock_explains_and_removes(deploy: Deploy) -> None:
    process = deploy.start()
    deploy.reach("apply")
    for pid in _terraform_of(process.pid):
        with contextlib.suppress(ProcessLookupError):  # a provider ends with its Terraform
            os.kill(pid, signal.SIGKILL)
    output = process.communicate()[0]
    assert process.returncode == 1, output
    [lock] = deploy.locks()
    (deploy.root / "go").touch()
    waiting = deploy.start(LOCK_TIMEOUT="1s")
    output = waiting.communicate()[0]
    assert waiting.returncode == 1
    assert "Error acquiring the state lock" in output
    assert "make unlock ENV=dev" in output
    assert "OperationTypeApply" in lock.described
    stored_locks.remove(deploy.endpoint.client(), BUCKET, lock)
    after = deploy.start()
    output = after.communicate()[0]
    assert after.returncode == 0, output
    assert deploy.resources() == ["first", "slow"]


def _terraform_of(pid: int) -> list[int]:
    import psutil

    children: list[Any] = psutil.Process(pid).children(recursive=True)
    return [child.pid for child in children]
