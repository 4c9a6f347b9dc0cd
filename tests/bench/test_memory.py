"""The model of cost by memory."""

import pytest

from bench.memory.model import Work, least


def test_the_processors_part_costs_the_same_at_every_setting_and_waiting_costs_more_with_memory() -> (
    None
):
    computing = Work(start=0.1, request=0.002, waiting=0)
    assert computing.cost(128) == pytest.approx(computing.cost(1769))
    waiting = Work(start=0, request=0, waiting=0.006)
    assert waiting.cost(512) == pytest.approx(4 * waiting.cost(128))
    assert computing.start_seconds(128) == pytest.approx(0.1 * 1769 / 128)


def test_the_least_setting_must_hold_the_peak() -> None:
    work = Work(start=0.1, request=0.002, waiting=0.006)
    assert least(work, peak=100) == 128
    assert least(work, peak=110) == 256
