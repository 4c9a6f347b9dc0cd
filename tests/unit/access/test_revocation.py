"""Revocation takes effect within 30 seconds, whatever a container has cached."""

import os
from collections import Counter
from collections.abc import Callable

import pytest

from atrium.identity import permissions, session
from tests.unit.access.conftest import Service
from tests.unit.access.revocation import AT_ONCE, KINDS, Trials

COUNT = int(os.environ.get("REVOCATIONS", "36"))


def trials(service: Service, clock: Callable[[float], None], count: int) -> Trials:
    made = Trials(service, clock)
    made.run(count)
    expected = Counter(KINDS[number % len(KINDS)] for number in range(count))
    assert made.permitted == expected, (
        "what was granted was not permitted, so its end would show nothing"
    )
    return made


@pytest.mark.trials
def test_no_permit_outlives_its_revocation(
    service: Service, clock: Callable[[float], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run = trials(service, clock, COUNT)
    assert run.outlived == {}
    with capsys.disabled():
        if "REVOCATIONS" in os.environ:
            print(f"\n{run.permitted.total()} revocations {dict(run.permitted)}, none outlived")


@pytest.mark.trials
def test_a_cache_of_three_times_the_lifetime_is_detected(
    service: Service, clock: Callable[[float], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (session, permissions):
        monkeypatch.setattr(module, "CACHE_SECONDS", 3 * module.CACHE_SECONDS)
    assert set(trials(service, clock, 12).outlived) == set(KINDS) - set(AT_ONCE)
