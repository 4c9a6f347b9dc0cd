"""The stack that is up, and somebody who signed up on it."""

import pytest

from local_aws.settings import Settings
from tests.running_stack.client import Client, Person
from tools.deploy import stack_outputs as outputs
from tools.deploy import stack_settings


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
    return client_of(stack_settings.from_environment())


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    return client.new_member()
