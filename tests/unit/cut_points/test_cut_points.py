"""Kills before and after each call of a flow: later the stores agree, without duplicates.

`make proof-cut-points` makes every cut, `make test` one in each flow.
"""

import os

import pytest

from tests.unit.cut_points.flows import FLOWS, Flow
from tests.unit.cut_points.stores import Stores
from tests.unit.cut_points.trials import check_second_delivery, faults, run_whole, short, trials

POINTS = list[int]()
"""The numbers of cut points of the flows that have run."""
WHOLE = os.environ.get("CUT_POINTS") == "all"


@pytest.mark.trials
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_flow_survives_every_cut(stores: Stores, flow: Flow) -> None:
    whole = run_whole(stores, flow)
    if WHOLE:
        check_second_delivery(stores, whole)
    chosen = list(trials(flow, whole)) if WHOLE else short(flow, whole)
    wrong = [
        f"{trial} ({whole.calls[trial.cut.call]}): {fault}"
        for trial in chosen
        for fault in faults(stores, trial, whole)
    ]
    POINTS.append(2 * len(whole.calls))
    print(
        f"{sum(POINTS)} cut points so far; {flow.name}: {2 * len(whole.calls)} cut points, {len(chosen)} trials, {len(wrong)} faults"
    )
    assert not wrong, "\n".join(wrong)
