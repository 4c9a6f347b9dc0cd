"""The soak test's own rules: growth is reported, a warm-up is not growth, and a broken stack fails."""

import subprocess
import sys
from collections import Counter

import pytest

from bench.soak.__main__ import bad_answers, grown
from bench.soak.load import Load
from bench.soak.processes import Held, held

FLAT = Held(processes=10, files=200, memory=1000.0)


def test_constant_figures_after_the_warm_up_pass() -> None:
    cold = [Held(3, 50, 200.0)] * 10
    assert list(grown(cold + [FLAT] * 20)) == []


def test_a_short_lived_child_process_is_no_growth() -> None:
    writing = Held(processes=11, files=300, memory=1400.0)
    assert list(grown([FLAT] * 20 + [FLAT] + [writing] * 9)) == []


@pytest.mark.parametrize(
    ("last", "complaint"),
    [
        (Held(11, 200, 1000.0), "processes grew from 10 to 11"),
        (Held(10, 209, 1000.0), "open files grew from 200 to 209, by more than 8"),
        (Held(10, 200, 1031.0), "memory grew from 1000 to 1031 MB, by more than 3%"),
    ],
)
def test_growth_is_reported(last: Held, complaint: str) -> None:
    assert list(grown([FLAT] * 20 + [last] * 10)) == [complaint]


def test_an_answer_other_than_200_is_reported() -> None:
    load = Load("http://127.0.0.1:1", "", (), Counter({200: 9, 502: 2, 0: 1}))
    assert list(bad_answers(load)) == [
        "1 answers were none: the connection broke",
        "2 answers were 502",
    ]


def test_a_process_is_measured_with_its_children() -> None:
    child = "import subprocess; p = subprocess.Popen(['sleep', '60']); print(flush=True); input(); p.kill()"
    command = [sys.executable, "-c", child]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        process.stdout.readline()
        found = held(process.pid)
        process.communicate("\n")
    assert found.processes == 2
    assert found.files >= 6
    assert found.memory > 1
    with pytest.raises(ProcessLookupError, match="has ended"):
        held(process.pid)
