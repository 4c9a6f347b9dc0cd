"""`make proof-local-console`: the laptop's console in Chromium, with the stack that is up."""

import os
import subprocess

import pytest

from tools import ROOT
from tools.deploy import stack_settings
from tools.laptop.client import Client, Person
from tools.laptop.stack import show

PYTHON = ROOT / ".venv/playwright/bin/python"
PICTURES = ROOT / "build/pictures"


def test_a_developer_sees_what_the_stack_does(client: Client) -> None:
    if not PYTHON.exists():
        pytest.fail("Run `make proof-local-console`, which installs the browser's driver.")
    member = client.new_member()
    mark = send_requests(client, member)
    be_refused(client)
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = direct | {
        "CONSOLE_URL": f"{client.outputs.aws_endpoint_url}/_local/console/",
        "API_URL": client.outputs.api_url,
        "MARK": mark,
        "EMAIL": member.email,
    }
    command = [str(PYTHON), str(ROOT / "tests/proofs/drive_local_console.py"), str(PICTURES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def send_requests(client: Client, person: Person) -> str:
    """Send requests of several kinds; return the id of one that reads both stores."""
    admin = show.access_token(stack_settings.from_environment(), client.outputs)
    member = person.token
    for path in ("/v1/me", "/v1/users", "/v1/roles", "/v1/nothing", "/v1/users/no-id"):
        client.call("GET", path, admin)
        client.call("GET", path, member)
    client.call("GET", "/v1/me")
    question = {
        "subject": {"type": "user", "id": person.uid},
        "action": {"name": "read"},
        "resource": {"type": "document", "id": "7"},
    }
    client.call("POST", "/access/v1/evaluation", admin, question)
    return client.call("GET", "/v1/me", member).headers["x-amzn-requestid"]


def be_refused(client: Client) -> None:
    """Assume a function's role, which trusts Lambda only."""
    function = client.aws("lambda").get_function(FunctionName=client.outputs.functions["meta"])
    role = function["Configuration"]["Role"]
    with pytest.raises(client.aws("sts").exceptions.ClientError, match="not authorized"):
        client.aws("sts").assume_role(RoleArn=role, RoleSessionName="proof")
