"""Trials of a flow: one complete run, then one for each cut point."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.unit.cut_points.calls import Cut
from tests.unit.cut_points.flows import Flow, nothing
from tests.unit.cut_points.saved import Saved, restore, save
from tests.unit.cut_points.stores import Stores

READS = ("dynamodb GetItem", "dynamodb Query", "dynamodb BatchGetItem", "ssm GetParameter", "cognito-idp AdminGetUser", "postgres SELECT")  # fmt: skip
ATTEMPTS = 3
"""The maximum number of times that Cognito calls a trigger."""


@dataclass(frozen=True)
class Repetition:
    """The repetition after a kill: attempts that are killed at the same call, and one that
    succeeds.
    """

    killed: int
    succeeds: bool

    def __str__(self) -> str:
        return f"{self.killed} killed, {'then one whole' if self.succeeds else 'given up'}"


@dataclass(frozen=True)
class Trial:
    flow: Flow
    cut: Cut
    repetition: Repetition

    def __str__(self) -> str:
        place = "after" if self.cut.after else "before"
        return f"{self.flow.name}: {place} call {self.cut.call}, {self.repetition}"


@dataclass(frozen=True)
class CompleteRun:
    """A run without a cut: its calls, how many the first process made, and the states."""

    saved: Saved
    calls: list[str]
    of_start: int
    before: dict[str, Any]
    end: dict[str, Any]


def run_whole(stores: Stores, flow: Flow) -> CompleteRun:
    """Run the flow without a cut. Fail if the stores disagree."""
    flow.prepare(stores)
    stores.settle()
    stores.remember_epochs()
    before = stores.state()  # also gives everybody a label, while their addresses are known
    saved = save(stores)
    restore(stores, saved)
    flow.start(stores)
    of_start = len(stores.calls.names)
    stores.settle()
    calls = list(stores.calls.names)
    end = stores.state()
    assert difference(before, end) or flow.name == "sign_in", f"{flow.name}: changed nothing"
    wrong = stores.disagreements()
    assert not wrong, f"{flow.name}: the stores disagree without a cut: {wrong}"
    return CompleteRun(saved, calls, of_start, before, end)


def check_second_delivery(stores: Stores, whole: CompleteRun) -> None:
    """Fail if a second delivery of the stream, after a complete run, changes the stores."""
    stores.deliver_again()
    assert difference(whole.end, stores.state()) == {}


def trials(flow: Flow, whole: CompleteRun) -> Iterator[Trial]:
    for call in range(len(whole.calls)):
        for repetition in _repetitions(flow, call < whole.of_start):
            yield from (Trial(flow, Cut(call, after), repetition) for after in (False, True))


def short(flow: Flow, whole: CompleteRun) -> list[Trial]:
    """Return one trial with a kill after the middle call that writes or whose kind is unknown."""
    chosen = {
        trial.cut.call: trial
        for trial in reversed(list(trials(flow, whole)))
        if trial.cut.after and whole.calls[trial.cut.call] not in READS
    }
    places = sorted(chosen)
    return [chosen[call] for call in places[len(places) // 2 :][:1]]


def _repetitions(flow: Flow, is_in_start: bool) -> list[Repetition]:
    if not is_in_start:  # the stream and the schedule repeat by themselves
        return [Repetition(1, True)]
    if flow.by == "cognito":
        given_up = [Repetition(attempts, False) for attempts in range(1, ATTEMPTS + 1)]
        return [*given_up, *(Repetition(attempts, True) for attempts in range(1, ATTEMPTS))]
    return [Repetition(1, False), Repetition(1, True)]


def faults(stores: Stores, trial: Trial, whole: CompleteRun) -> Iterator[str]:
    """Yield each fault found after the trial."""
    flow = trial.flow
    restore(stores, whole.saved)
    is_in_start = trial.cut.call < whole.of_start
    for _ in range(trial.repetition.killed if is_in_start else 1):
        stores.calls.names, stores.calls.cut = [], trial.cut
        flow.start(stores)
    more = stores.access() - whole.before["access"] - whole.end["access"]
    if more:
        yield f"more access after the kill: {sorted(more)}"
    if is_in_start and trial.repetition.succeeds:
        flow.start(stores)
    stores.settle()
    if not stores.kills:
        yield "no process was killed"
    if flow.heal is not nothing:
        flow.heal(stores)
        stores.settle()
    end = stores.state()
    is_whole = difference(once(whole.end, flow.may_repeat), once(end, flow.may_repeat))
    may_be_nothing = is_in_start and not trial.repetition.succeeds
    if is_whole and not (may_be_nothing and not difference(whole.before, end)):
        yield f"neither done nor undone: {is_whole}"
    yield from stores.disagreements()


def once(state: dict[str, Any], names: frozenset[str]) -> dict[str, Any]:
    """Return the state with the counts of these commands and audit events set to 1."""
    counted = {
        part: {key: 1 if names & set(key) else count for key, count in state[part].items()}
        for part in ("commands", "audit")
    }
    return state | counted


def difference(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"expected": expected[name], "found": found[name]}
        for name in expected
        if expected[name] != found[name]
    }
