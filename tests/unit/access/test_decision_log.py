"""Logging of decisions with their reason, until a set time and for a share of the requests."""

from types import SimpleNamespace
from typing import Any

import pytest

from access import decision_log
from tests.unit.access.conftest import BOB, Service
from tests.unit.access.test_authzen import READ, WRITE, ask, document, point, user
from tests.unit.conftest import Logs

__all__ = ["point"]

END = 1_800_000_000
UNTIL = "2027-01-15T08:00:00Z"


@pytest.fixture(autouse=True)
def fresh_settings() -> None:
    decision_log._settings.cache_clear()


def decided(
    point: Service,
    logs: Logs,
    monkeypatch: pytest.MonkeyPatch,
    at: float = END - 1,
    **settings: str,
) -> list[dict[str, Any]]:
    """Ask three times, two of them in one batch. Return the log lines of the decisions."""
    for name, value in settings.items():
        monkeypatch.setenv(f"DECISION_LOG_{name.upper()}", value)
    monkeypatch.setattr(decision_log, "time", SimpleNamespace(time=lambda: at))
    question = {"subject": user(BOB), "action": READ, "resource": document("8")}
    denied = question | {"action": WRITE, "resource": document("7")}
    assert ask(point, "evaluation", question).json["decision"] is True
    assert ask(point, "evaluations", {"evaluations": [question, denied]}).status == 200
    return [line for line in logs.lines() if line["message"].startswith("decision")]


def test_a_decision_is_logged_with_its_reason(
    point: Service, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = decided(point, logs, monkeypatch, until=UNTIL)
    assert [line["decision"] for line in lines] == [True, True, False]
    names = ("subject", "action", "resource", "reason", "request_id")
    assert {name: lines[2][name] for name in names} == {
        "subject": BOB,
        "action": "write",
        "resource": "document:7",
        "reason": "Denied: no grant in force gives document.write on document:7.",
        "request_id": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
    }
    assert lines[0]["reason"].startswith("Allowed by grant ")


@pytest.mark.parametrize(
    ("at", "settings"),
    [(END, {"until": UNTIL}), (END - 1, {}), (END - 1, {"percent": "100"})],
    ids=["at its end", "without an end", "without an end, all of them"],
)
def test_decisions_are_logged_only_until_a_future_time(
    point: Service,
    logs: Logs,
    monkeypatch: pytest.MonkeyPatch,
    at: float,
    settings: dict[str, str],
) -> None:
    assert decided(point, logs, monkeypatch, at, **settings) == []


def test_only_a_share_of_decisions_is_logged(
    point: Service, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = iter([0.24, 0.25, 0.0])
    monkeypatch.setattr(decision_log, "random", SimpleNamespace(random=lambda: next(drawn)))
    lines = decided(point, logs, monkeypatch, until=UNTIL, percent="25")
    assert [line["decision"] for line in lines] == [True, False]


@pytest.mark.parametrize(
    "settings",
    [
        {"until": "soon"},
        {"until": "2027-01-15T08:00:00"},
        {"until": UNTIL, "percent": "0"},
        {"until": UNTIL, "percent": "101"},
        {"until": UNTIL, "percent": "all"},
    ],
)
def test_a_wrong_setting_is_reported_once_and_stops_no_decision(
    point: Service, logs: Logs, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str]
) -> None:
    [line] = decided(point, logs, monkeypatch, END - 1, **settings)
    assert (line["level"], line["message"]) == (
        "ERROR",
        "decision log is off, its settings are wrong",
    )
