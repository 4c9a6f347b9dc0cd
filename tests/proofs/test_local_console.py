"""`make proof-local-console`: the laptop's console in Chromium, with the stack that is up."""

import os
import subprocess

import pytest

from tools import ROOT
from tools.deploy import stack_settings
from tools.laptop.client import Client
from tools.laptop.stack import show

PYTHON = ROOT / ".venv/playwright/bin/python"
PICTURES = ROOT / "build/pictures"


def test_a_developer_sees_what_the_stack_does(client: Client) -> None:
    if not PYTHON.exists():
        pytest.fail("Run `make proof-local-console`, which installs the browser's driver.")
    mark = send_requests(client)
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = direct | {
        "CONSOLE_URL": f"{client.outputs.aws_endpoint_url}/_local/console/",
        "MARK": mark,
    }
    command = [str(PYTHON), str(ROOT / "tests/proofs/drive_local_console.py"), str(PICTURES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def send_requests(client: Client) -> str:
    """Send requests of several kinds; return the id of one that reads both stores."""
    admin = show.access_token(stack_settings.from_environment(), client.outputs)
    member = client.new_member().token
    for path in ("/v1/me", "/v1/users", "/v1/roles", "/v1/nothing", "/v1/users/no-id"):
        client.call("GET", path, admin)
        client.call("GET", path, member)
    client.call("GET", "/v1/me")
    return client.call("GET", "/v1/me", member).headers["x-amzn-requestid"]
