"""A search of all files of the laptop, which `make proof-erasure` adds to test_erasure.py."""

from tests.support.marker_search import Markers, files
from tools.deploy import stack_settings
from users.tests.conftest import Office
from users.tests.test_erasure import fill

COPIES = ("postgres", "items.sqlite", "control-plane.")
"""Files of the laptop that temporarily keep earlier contents, as docs/personal-data.md says."""


def test_the_laptops_files_have_a_marker_only_in_declared_copies(
    office: Office,
) -> None:
    markers = Markers()
    fill(office, markers)
    found = files(stack_settings.from_environment().state, markers)
    print(f"files that hold a marker while the person exists: {sorted(found)}")
    assert found, "the search finds nothing at all"
    assert [name for name in found if not name.startswith(COPIES)] == []
