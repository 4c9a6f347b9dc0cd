"""`make proof-page`: the page of the API in Chromium, with a new user of the stack that is up."""

import os
import subprocess

import pytest

from tools import ROOT
from tools.laptop.client import Client

PYTHON = ROOT / ".venv/playwright/bin/python"
PICTURES = ROOT / "build/pictures"


def with_sign_in_page(client: Client) -> str:
    """Set up a sign-in page that redirects to the page of the API."""
    docs = client.outputs.api_url.replace("127.0.0.1", "localhost") + "/docs"
    page = f'domain_prefix="atrium", callback_urls=["{docs}/oauth2-redirect.html"]'
    return f"TF_VAR_hosted_page='{{{page}}}'"


def test_users_sign_in_and_send_requests_on_the_page(client: Client) -> None:
    if not PYTHON.exists():
        pytest.fail("Run `make proof-page`, which installs the browser's driver.")
    if client.call("GET", "/v1/configuration").json["authorization_endpoint"] is None:
        pytest.fail(f"The stack has no sign-in page. Run:\n{with_sign_in_page(client)} make up")
    reader = client.new_member()
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    environment = direct | {
        "API_URL": client.outputs.api_url,
        "EMAIL": reader.email,
        "PASSWORD": reader.password,
    }
    command = [str(PYTHON), str(ROOT / "tests/proofs/drive_docs_page.py"), str(PICTURES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
