"""docs/fidelity.md: the rendering of the declared behaviours, with tests for those of this
repository.
"""

import pytest

from local_aws import fidelity
from local_aws.fidelity import Behaviour, Status
from local_aws_tests.support.declared_tests import missing
from tools import ROOT
from tools.setup import fidelity_page


def test_the_page_is_up_to_date() -> None:
    """Compare the page with the declarations; `make docs` updates it."""
    assert fidelity_page.PAGE.read_text() == fidelity_page.page()


@pytest.mark.parametrize(
    "behaviour",
    fidelity.read(fidelity_page.ADDITIONS).behaviours,
    ids=lambda each: each.what[:60],
)
def test_an_addition_has_tests_that_exist(behaviour: Behaviour) -> None:
    assert behaviour.tests
    assert missing(behaviour, ROOT) == []
    assert behaviour.sources or behaviour.status is not Status.EMULATED
    assert all(address.startswith("https://") for address in behaviour.sources.values())
