"""`make up` in the copy with the new service, on a copy of the stack."""

from collections.abc import Iterator

import pytest

from local_aws.settings import Settings
from tests.failures.saved import copy, saved
from tests.failures.stack import Stack
from tests.new_service.conftest import MAKE, PYTEST, Checkout
from tools.deploy import stack_outputs as outputs
from tools.laptop.client import Client, Person, client_of


@pytest.fixture(scope="module")
def client(settings: Settings, checkout: Checkout) -> Iterator[Client]:
    """Return a client of the copy's stack after `make up`."""
    with saved() as whole:
        copy(whole, Stack(settings, checkout.environment))
    try:
        checkout.run(*MAKE, "up")
        yield client_of(settings)
    finally:
        checkout.run(*MAKE, "reset")


@pytest.fixture(scope="module")
def member(client: Client) -> Person:
    return client.new_member()


def test_the_new_service_answers_after_make_up(
    settings: Settings, client: Client, member: Person
) -> None:
    assert "zeppelins" in outputs.read(settings).functions
    assert client.call("GET", "/v1/zeppelins", member.token).json == {
        "items": [],
        "next_cursor": None,
    }


def test_the_new_services_own_tests_and_the_contracts_tests_pass(
    checkout: Checkout, client: Client
) -> None:
    """Call only its operations, also with generated requests."""
    files = ("declarations", "answers", "who_may", "fuzz")
    chosen = ("-k", "zeppelins or test_declarations or test_fuzz")
    assert " passed" in checkout.run(
        "env",
        "FUZZ_PATHS=^/v1/zeppelins",
        *PYTEST,
        *chosen,
        "functions/zeppelins",
        *(f"tests/contract/test_{name}.py" for name in files),
    )
