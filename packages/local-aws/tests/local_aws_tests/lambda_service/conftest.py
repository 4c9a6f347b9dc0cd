from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws.lambda_service.pool import Limits
from local_aws.settings import ACCOUNT_ID
from local_aws_tests.lambda_service.laptop import Laptop, Loop, install_runtime, laptop


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def loop() -> Iterator[Loop]:
    made = Loop()
    yield made
    made.close()


@pytest.fixture(scope="module")
def aws(loop: Loop, runtime: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """Start one laptop for a file's tests; each test deploys functions under its own names."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ACCOUNT_ID", ACCOUNT_ID)
        with laptop(
            loop, tmp_path_factory.mktemp("checkout"), runtime, limits=Limits(workers=3)
        ) as made:
            yield made
