"""Fixtures for releases, and for the clients' stories, on the running stack."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.checkout import Checkout, checkout
from tests.story.releases import Alarm
from tools.laptop.client import Client


@pytest.fixture
def mine(tmp_path: Path) -> Checkout:
    return checkout(tmp_path)


@pytest.fixture
def deployed(mine: Checkout) -> Iterator[Checkout]:
    """Restore the code of meta after the test, with the command that deploys one service."""
    kept = mine.folder / "as_it_was"
    shutil.copytree(mine.folder / "functions/meta", kept)
    yield mine
    shutil.rmtree(mine.folder / "functions/meta")
    kept.rename(mine.folder / "functions/meta")
    status, said = mine.run("deploy", "local", "--service", "meta")
    assert status == 0, said


@pytest.fixture
def alarm(client: Client) -> Iterator[Alarm]:
    alarm = Alarm(client.aws("cloudwatch"), f"{client.outputs.functions['meta']}-errors")
    yield alarm
    alarm.cloudwatch.delete_alarms(AlarmNames=[alarm.name])


@pytest.fixture
def newcomer(client: Client) -> dict[str, str]:
    """Return the environment of somebody who has just confirmed their address."""
    new = client.sign_up()
    client.confirm(new)
    return {"API_URL": client.outputs.api_url, "EMAIL": new.email, "PASSWORD": new.password}


@pytest.fixture(scope="session")
def domain(client: Client) -> Iterator[str]:
    """Give the user pool a domain, which the stack does not have by default, and return its pool."""
    cognito, pool = client.aws("cognito-idp"), client.outputs.user_pool_id
    has_domain = "Domain" in cognito.describe_user_pool(UserPoolId=pool)["UserPool"]
    if not has_domain:
        cognito.create_user_pool_domain(UserPoolId=pool, Domain="atrium-dev-tests")
    yield pool
    if not has_domain:
        cognito.delete_user_pool_domain(UserPoolId=pool, Domain="atrium-dev-tests")


@pytest.fixture(scope="session")
def hosted_client(client: Client, domain: str) -> Iterator[str]:
    """Return a client of the user pool that signs in on the pool's page."""
    cognito = client.aws("cognito-idp")
    made = cognito.create_user_pool_client(
        UserPoolId=domain,
        ClientName="test-clients",
        AllowedOAuthFlowsUserPoolClient=True,
        AllowedOAuthFlows=["code"],
        AllowedOAuthScopes=["openid", "email"],
        CallbackURLs=["http://localhost:5173/"],
        SupportedIdentityProviders=["COGNITO"],
    )["UserPoolClient"]["ClientId"]
    yield made
    cognito.delete_user_pool_client(UserPoolId=domain, ClientId=made)
