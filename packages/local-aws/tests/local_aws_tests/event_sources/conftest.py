from collections.abc import Iterator
from pathlib import Path

import pytest

from local_aws_tests.event_sources.event_source_harness import EventSourceHarness
from local_aws_tests.lambda_service.laptop import Loop, install_runtime, laptop


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_runtime(tmp_path_factory.mktemp("runtime"))


@pytest.fixture(scope="module")
def harness(
    runtime: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EventSourceHarness]:
    """Start one laptop for a file's tests; each test creates tables, queues and functions of its
    own.
    """
    loop = Loop()
    with laptop(loop, tmp_path_factory.mktemp("checkout"), runtime) as aws:
        yield EventSourceHarness(aws)
    loop.close()
