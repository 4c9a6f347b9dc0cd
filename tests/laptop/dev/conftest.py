from collections.abc import Iterator

import pytest

from local_aws.settings import ACCOUNT_ID
from tests.laptop.dev.checkout import Checkout, checkout


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOTO_ACCOUNT_ID", ACCOUNT_ID)
        with checkout(tmp_path_factory.mktemp("checkout")) as made:
            yield made
