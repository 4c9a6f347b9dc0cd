"""`clients/typescript`, built from the contract and run by Node.js on the running stack."""

import os
import re
import subprocess
from collections.abc import Iterator

import pytest

from local_aws_tests.support import node_packages
from tools import ROOT
from tools.laptop.client import Client

FOLDER = ROOT / "clients/typescript"
EXAMPLE = re.compile(r"^```typescript\n(.*?)^```\n\n```text\n(.*?)^```$", re.M | re.S)


@pytest.fixture(scope="module")
def example_output() -> str:
    """Return the output that the README shows for its example, which is compiled with the client."""
    [(code, printed)] = EXAMPLE.findall((FOLDER / "README.md").read_text())
    (FOLDER / "tests/readme.ts").write_text(code)
    node_packages.install(FOLDER)
    run({}, "npm", "run", "--silent", "build")
    return str(printed)


@pytest.fixture
def hosted_client(client: Client) -> Iterator[str]:
    """Return a client of the user pool with a sign-in page, which the stack does not have by
    default.
    """
    cognito = client.aws("cognito-idp")
    pool, domain = client.outputs.user_pool_id, "typescript-client"
    has_domain = "Domain" in cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    if not has_domain:
        cognito.create_user_pool_domain(UserPoolId=pool, Domain=domain)
    made = cognito.create_user_pool_client(
        UserPoolId=pool,
        ClientName=domain,
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=["http://localhost:5173/"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    yield made
    cognito.delete_user_pool_client(UserPoolId=pool, ClientId=made)
    if not has_domain:
        cognito.delete_user_pool_domain(UserPoolId=pool, Domain=domain)


def test_the_client_signs_in_reads_and_changes(
    client: Client, example_output: str, hosted_client: str
) -> None:
    environment = person(client) | {
        "ADMIN_EMAIL": client.outputs.admin_email,
        "ADMIN_PASSWORD": client.outputs.admin_password,
        "HOSTED_CLIENT": hosted_client,
    }
    run(environment, "npm", "run", "--silent", "test")


def test_the_example_prints_the_output_in_the_readme(client: Client, example_output: str) -> None:
    assert run(person(client), "node", "dist/tests/readme.js") == example_output


def test_the_console_compiles_with_the_client(example_output: str) -> None:
    console = ROOT / "examples/web"
    node_packages.install(console)
    run({}, "npm", "run", "--silent", "--prefix", str(console), "check")


def person(client: Client) -> dict[str, str]:
    """Return the environment of a user who has just confirmed their address."""
    new = client.sign_up()
    client.confirm(new)
    return {"API_URL": client.outputs.api_url, "EMAIL": new.email, "PASSWORD": new.password}


def run(environment: dict[str, str], *command: str) -> str:
    direct = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    done = subprocess.run(
        command, cwd=FOLDER, env=direct | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
