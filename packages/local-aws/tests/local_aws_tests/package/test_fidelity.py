"""The behaviours that the package declares, each with existing sources and tests."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local_aws import fidelity
from local_aws.commands.coverage import known
from local_aws.fidelity import PARTS, Behaviour, Status
from local_aws_tests.cognito.user_pool_harness import REGION, Server, quick_server
from local_aws_tests.support.declared_tests import missing

TESTS = Path(__file__).resolve().parents[1]
BEHAVIOURS = [each for part in fidelity.parts() for each in part.behaviours]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with quick_server(tmp_path_factory.mktemp("stack")) as running:
        yield running


def test_every_file_is_a_part_of_the_page() -> None:
    assert {file.stem for file in fidelity.FOLDER.glob("*.yaml")} == set(PARTS)


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda each: each.what[:60])
def test_a_behaviour_has_sources_and_tests_that_exist(behaviour: Behaviour) -> None:
    if behaviour.status is Status.EMULATED:
        assert behaviour.sources, "an emulated behaviour names AWS's documentation"
        assert behaviour.tests, "an emulated behaviour names its tests"
    assert all(address.startswith("https://") for address in behaviour.sources.values())
    assert missing(behaviour, TESTS) == []


def test_the_refused_operations_of_cognito_are_501(server: Server) -> None:
    client = boto3.client(
        "cognito-idp",
        endpoint_url=server.settings.aws_endpoint_url,
        region_name=REGION,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )
    names = {operation: method for method, operation in client.meta.method_to_api_mapping.items()}
    refused = fidelity.refused_operations()["cognito-idp"]
    assert "ConfirmDevice" in refused
    assert "SignUp" not in refused
    for operation in refused:
        with pytest.raises(ClientError) as raised:
            getattr(client, names[operation])()
        assert raised.value.response["Error"]["Code"] == "NotEmulated", operation
        assert operation in raised.value.response["Error"]["Message"]
    client.close()


def test_the_known_differences_and_refusals_are_printed() -> None:
    printed = known()
    assert "ConfirmDevice" in printed
    for behaviour in BEHAVIOURS:
        is_told = behaviour.status is not Status.EMULATED
        assert (behaviour.what in " ".join(printed.split())) == is_told, behaviour.what
