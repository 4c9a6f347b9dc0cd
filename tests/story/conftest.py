"""Fixtures of the story: the stack that runs now, and somebody who signed up on it."""

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from local.settings import Settings
from local.stack import outputs
from tests.story.client import Client, Person


@pytest.fixture(scope="session")
def client() -> Client:
    found = outputs.read(Settings.from_environment())
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    cognito = boto3.client("cognito-idp", endpoint_url=found.aws_endpoint_url, region_name=found.region, config=config)
    return Client(found, cognito)


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    """Signed up, confirmed and signed in."""
    person = client.sign_up()
    client.confirm(person)
    return client.sign_in(person)
