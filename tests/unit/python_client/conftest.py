"""The client's generated modules, which are not committed."""

import pytest

from tools.setup import python_client

python_client.ensure_current()


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a list of the seconds that the client would have waited."""
    waited: list[float] = []
    monkeypatch.setattr("atrium_client.flow.time.sleep", waited.append)
    return waited
