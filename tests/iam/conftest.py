import pytest

from local_aws.iam import record
from local_aws.iam.record import Call
from local_aws.settings import Settings
from tools.deploy import stack_settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return stack_settings.from_environment()


@pytest.fixture(scope="session")
def calls(settings: Settings) -> list[Call]:
    return record.read(record.path(settings))
