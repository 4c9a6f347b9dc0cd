"""A destroy and a new deploy of the same environment, with deletion of the log groups that RDS
recreates.

`make proof-redeploy` runs on a stack of its own, because it destroys the stack. It takes minutes,
because Terraform's provider waits for RDS.
"""

import os
import subprocess
import sys
import time
from typing import Any

import pytest

from local_aws.terraform.command import TerraformError
from tests.story.checkout import ROOT, Checkout
from tools.deploy import service_linked_roles, stack_settings
from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot
from tools.laptop.stack import aws
from tools.operations import leftover_logs

NAME = "atrium-dev"


@pytest.fixture(scope="module")
def root() -> ScratchRoot:
    settings = stack_settings.from_environment()
    if os.environ.get("ATRIUM_STATE", ".local") == ".local":
        pytest.fail(
            "This destroys the stack: name another with ATRIUM_STATE=.local-proof API_PORT=… AWS_PORT=…."
        )
    up()
    return ScratchRoot(settings, ENVIRONMENT)


def test_destroy_and_deploy_again(root: ScratchRoot) -> None:
    region = root.outputs()["region"]
    logs = aws.client("logs", root.settings, region)
    root.destroy()
    left = _until_they_are_back(logs)
    assert left, "no log group came back"
    with pytest.raises(TerraformError, match="ResourceAlreadyExistsException"):
        root.apply(lambda _: None)
    leftover_logs.sweep(logs, NAME, report=lambda _: None, clock=_at_once())
    up()
    assert root.planned_changes() == []
    status, said = Checkout(ROOT).run("smoke", "local")
    assert status == 0, said


def test_the_account_has_the_service_linked_role_of_rds(root: ScratchRoot) -> None:
    """Check the role that `make up` created before the first apply, because RDS refuses its first
    database without it.
    """
    assert service_linked_roles.missing(aws.client("iam", root.settings, "us-east-1")) == []


def up() -> None:
    """Run `make up`, in a process of its own because the supervisor continues."""
    subprocess.run(
        [sys.executable, "-m", "tools.laptop", "up"],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _until_they_are_back(logs: Any) -> list[str]:
    deadline = time.monotonic() + 60
    while not (found := leftover_logs.found(logs, NAME)) and time.monotonic() < deadline:
        time.sleep(1)
    return found


def _at_once() -> Any:
    """Return a clock on which the minute of waiting is over after one look."""
    moments = iter((0.0, 1000.0))
    return lambda: next(moments)
