import pytest

from local.iam import record
from local.iam.record import Call
from local.settings import Settings


@pytest.fixture(scope="session")
def settings() -> Settings:
    return Settings.from_environment()


@pytest.fixture(scope="session")
def calls(settings: Settings) -> list[Call]:
    return record.read(record.path(settings))
