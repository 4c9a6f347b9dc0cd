"""After all others on the stack: no statement that went through RDS Proxy's stand-in would have pinned a session."""

from local_aws.database import pinning
from local_aws.settings import Settings
from tests.iam.sent_from import told


def test_nothing_pinned_a_session(settings: Settings) -> None:
    found = pinning.read(pinning.path(settings))
    assert not found, "\n".join(told(settings.root, pinned) for pinned in found)
