"""`make proof-console`: the console in Chromium, with the stack that is up."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tools import ROOT
from tools.laptop.client import Client

PYTHON = ROOT / ".venv/playwright/bin/python"
PICTURES = ROOT / "build/pictures"


@pytest.fixture
def hosted_client(client: Client) -> Iterator[str]:
    """Return a client of the user pool with a sign-in page that redirects to the console."""
    cognito = client.aws("cognito-idp")
    pool, domain = client.outputs.user_pool_id, "console"
    has_domain = "Domain" in cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    if not has_domain:
        cognito.create_user_pool_domain(UserPoolId=pool, Domain=domain)
    console = f"{client.outputs.api_url.replace('127.0.0.1', 'localhost')}/console/"
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName=domain,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=[console],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    yield made
    cognito.delete_user_pool_client(UserPoolId=pool, ClientId=made)
    if not has_domain:
        cognito.delete_user_pool_domain(UserPoolId=pool, Domain=domain)


def test_users_and_administrators_use_the_console(client: Client, hosted_client: str) -> None:
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
        "HOSTED_CLIENT": hosted_client,
    }
    command = [str(PYTHON), str(ROOT / "tests/proofs/drive_console.py"), str(PICTURES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
