"""Session pinning after all other tests: no statement through the proxy's stand-in would have
pinned one.
"""

from local_aws.database import pinning
from local_aws.settings import Settings
from tests.iam.sent_from import report


def test_no_statement_pinned_a_session(settings: Settings) -> None:
    found = pinning.read(pinning.path(settings))
    assert not found, "\n".join(report(settings.root, pinned) for pinned in found)
