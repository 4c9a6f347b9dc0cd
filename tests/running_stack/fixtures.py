"""The stack that is up, and somebody who signed up on it."""

import pytest

from local.settings import Settings
from local.stack import outputs
from tests.running_stack.client import Client, Person


def client_of(settings: Settings) -> Client:
    # Not at the top: every test run loads this file, and few of them need the SDK.
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    found = outputs.read(settings)
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    cognito = boto3.client("cognito-idp", endpoint_url=found.aws_endpoint_url, region_name=found.region, config=config)
    return Client(found, cognito)


@pytest.fixture(scope="session")
def client() -> Client:
    return client_of(Settings.from_environment())


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    return client.new_member()
