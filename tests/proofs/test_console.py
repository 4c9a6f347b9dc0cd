"""`make proof-console`: the console in Chromium, with the stack that is up."""

import os
import subprocess

import pytest

from tools import ROOT
from tools.laptop.client import Client

PYTHON = ROOT / ".venv/playwright/bin/python"
PICTURES = ROOT / "build/pictures"


def test_people_and_administrators_use_the_console(client: Client) -> None:
    if not PYTHON.exists():
        pytest.fail("Run `make proof-console`, which installs the browser's driver.")
    member = client.new_member()
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = direct | {
        "API_URL": client.outputs.api_url,
        "EMAIL": member.email,
        "PASSWORD": member.password,
        "ADMIN_EMAIL": client.outputs.admin_email,
        "ADMIN_PASSWORD": client.outputs.admin_password,
    }
    command = [str(PYTHON), str(ROOT / "tests/proofs/drive_console.py"), str(PICTURES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
