"""`make tunnel`: the session that it starts, and the reports of missing preconditions.

aws and terraform are stubs on PATH.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from local_aws.supervisor.ports import free_ports
from tools.deploy.stack_outputs import Outputs

ROOT = Path(__file__).resolve().parents[2]
OUTPUTS = {
    "bastion_instance_id": "i-0a0a0a0a",
    "database_endpoint": "atrium-dev-database.0a0a.eu-central-1.rds.amazonaws.com:5432",
    "database_name": "atrium",
    "database_user_secrets": {
        "readonly": "arn:aws:secretsmanager:eu-central-1:000000000000:secret:readonly"
    },
    "region": "eu-central-1",
}
AWS = """
case "$1 $2" in
  "sts get-caller-identity") exit ${STS_EXIT:-0} ;;
  "ssm describe-instance-information") [ "$6" = "Key=InstanceIds,Values=i-0a0a0a0a" ] && echo ${PING_STATUS:-Online} ;;
  "ssm start-session") for argument in "$@"; do echo "$argument"; done >> "$CALLED" ;;
  *) echo "unexpected: $*" >&2; exit 64 ;;
esac
"""
CONFIGURED = {
    "PROJECT_NAME": "atrium",
    "AWS_REGION": "eu-central-1",
    "AWS_ACCOUNT_ID": "012345678901",
    "STATE_BUCKET": "atrium-states",
}
TERRAFORM = """
case "$1" in
  version) echo "Terraform v1.11.4"; exit ;;
  init) exit ;;
esac
[ "$*" = "output -json -no-color" ] && [ "${PWD##*/}" = dev ] || exit 64
[ -z "$TERRAFORM_ERROR" ] || { echo "$TERRAFORM_ERROR" >&2; exit 1; }
echo "$OUTPUTS"
"""

type Tunnel = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """Prepare a PATH with nothing of this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in {
        "aws": AWS,
        "session-manager-plugin": "exit 64",
        "terraform": TERRAFORM,
    }.items():
        command = folder / name
        command.write_text(f"#!/bin/sh\n{script}")
        command.chmod(0o755)
    return folder


@pytest.fixture
def tunnel(commands: Path, tmp_path: Path) -> Tunnel:
    def run(
        environment: str = "dev", port: int | None = None, **settings: str
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            name: value for name, value in os.environ.items() if not name.startswith("AWS_")
        }
        outputs = json.dumps({name: {"value": value} for name, value in OUTPUTS.items()})
        own = CONFIGURED | {
            "PATH": str(commands),
            "CALLED": str(tmp_path / "called"),
            "OUTPUTS": outputs,
        }
        command = [
            sys.executable,
            "-m",
            "tools.operations.tunnel",
            environment,
            "--port",
            str(port or free_ports()[0]),
        ]
        return subprocess.run(
            command, cwd=ROOT, env=inherited | own | settings, capture_output=True, text=True
        )

    return run


def test_the_command_starts_a_session_from_this_port_to_the_database(
    tunnel: Tunnel, tmp_path: Path
) -> None:
    port, _ = free_ports()
    done = tunnel(port=port)
    assert done.returncode == 0, done.stderr
    called = (tmp_path / "called").read_text().splitlines()
    options = dict(zip(called[2::2], called[3::2], strict=True))
    assert json.loads(options.pop("--parameters")) == {
        "host": ["atrium-dev-database.0a0a.eu-central-1.rds.amazonaws.com"],
        "portNumber": ["5432"],
        "localPortNumber": [str(port)],
    }
    assert options == {
        "--region": "eu-central-1",
        "--target": "i-0a0a0a0a",
        "--document-name": "AWS-StartPortForwardingSessionToRemoteHost",
    }
    assert (
        f'psql "host=localhost port={port} dbname=atrium user=readonly sslmode=require"'
        in done.stdout
    )
    assert OUTPUTS["database_user_secrets"]["readonly"] in done.stdout  # type: ignore[index]


def test_every_missing_command_is_named_at_once(tunnel: Tunnel, commands: Path) -> None:
    (commands / "aws").unlink()
    (commands / "session-manager-plugin").unlink()
    refused(tunnel(), "aws: the AWS CLI", "session-manager-plugin: the AWS CLI's plugin")


def test_missing_credentials_are_reported(tunnel: Tunnel) -> None:
    refused(tunnel(STS_EXIT="255"), "no valid AWS credentials: exit code 255", "aws sso login")


def test_a_shell_configured_for_the_laptop_is_refused(tunnel: Tunnel) -> None:
    refused(tunnel(AWS_ENDPOINT_URL="http://127.0.0.1:4566"), "AWS_ENDPOINT_URL", "another shell")


def test_an_unreadable_state_is_reported(tunnel: Tunnel) -> None:
    refused(
        tunnel(TERRAFORM_ERROR="AccessDenied: the bucket"),
        "terraform output in dev failed: AccessDenied: the bucket",
    )


def test_an_incomplete_configuration_is_reported(tunnel: Tunnel) -> None:
    refused(tunnel(AWS_ACCOUNT_ID="1"), "AWS_ACCOUNT_ID is '1'")


def test_an_environment_without_an_apply_is_refused(tunnel: Tunnel) -> None:
    refused(tunnel(OUTPUTS="{}"), "dev has no output 'database_endpoint'", "make deploy ENV=dev")


def test_a_stopped_bastion_is_reported(tunnel: Tunnel) -> None:
    refused(
        tunnel(PING_STATUS="ConnectionLost"),
        "not online (ConnectionLost)",
        "start-instances --region eu-central-1",
    )


def test_a_bastion_unknown_to_systems_manager_is_reported(tunnel: Tunnel) -> None:
    refused(tunnel(PING_STATUS="None"), "i-0a0a0a0a is not online (None)")


def test_a_port_in_use_is_refused(tunnel: Tunnel) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused(tunnel(port=port), f"port {port} of this machine", "PORT=5434")


def test_an_unknown_environment_is_refused(tunnel: Tunnel) -> None:
    refused(
        tunnel("staging"), "ENV=staging is not an environment. ENV is one of: local, dev, prod."
    )


def test_the_laptop_needs_no_tunnel_but_must_run(tunnel: Tunnel) -> None:
    refused(tunnel("local", ATRIUM_STATE=".local-that-is-not-there"), "make up")


def test_the_laptop_prints_its_databases_address(tunnel: Tunnel) -> None:
    state = ROOT / ".local-test-tunnel"
    state.mkdir(exist_ok=True)
    try:
        values = {field.name: "" for field in fields(Outputs)} | {
            "database_url": "postgresql://app@127.0.0.1:5432/atrium"
        }
        (state / "outputs.json").write_text(json.dumps(values))
        done = tunnel("local", ATRIUM_STATE=state.name)
    finally:
        shutil.rmtree(state)
    assert "psql postgresql://app@127.0.0.1:5432/atrium" in done.stdout


def refused(done: subprocess.CompletedProcess[str], *said: str) -> None:
    assert done.returncode == 1
    assert done.stderr.startswith("tunnel: ")
    assert not [part for part in said if part not in done.stderr], done.stderr
    assert "Traceback" not in done.stderr
