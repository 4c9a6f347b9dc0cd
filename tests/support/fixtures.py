"""The running stack, and a user who signed up on it."""

import pytest

from tools.deploy import stack_settings
from tools.laptop.client import Client, Person, client_of


@pytest.fixture(scope="session")
def client() -> Client:
    return client_of(stack_settings.from_environment())


@pytest.fixture(scope="session")
def member(client: Client) -> Person:
    return client.new_member()
