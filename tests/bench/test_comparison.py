"""The comparison's verdicts, tables and charts."""

from pathlib import Path
from xml.etree import ElementTree

import msgspec

from bench.comparison import __main__ as comparison
from bench.comparison import plots, recorded, rows
from bench.comparison.plots import Bar
from bench.comparison.rows import Row
from bench.peers.stacks import STACKS


def test_a_missed_target_says_so() -> None:
    met = Row(group="g", what="small", unit="MB", ours=1.2, at_most=1.3)
    late = Row(group="g", what="large", unit="MB", ours=1.4, at_most=1.3)
    near = Row(group="g", what="warm", unit="s", ours=2, peer="p", theirs=49, times_less=25)
    far = Row(group="g", what="warm", unit="s", ours=2, peer="q", theirs=50, times_less=25)
    assert [row.verdict for row in (met, late, near, far)] == ["met", "missed", "missed", "met"]
    assert rows.missed([met, late, near, far]) == ["g: large", "g: warm"]
    assert "| large | MB | 1.4 |  |  |  | ≤ 1.3 | missed |" in rows.markdown([late])
    assert "| warm | s | 2 | q | 50 | 25.0 | ≥ 25 times less | met |" in rows.markdown([far])


def test_the_committed_table_is_that_of_the_committed_figures() -> None:
    found = msgspec.json.decode((comparison.RESULTS / "latest.json").read_bytes())
    measured = msgspec.convert(found["rows"], list[Row])
    assert rows.markdown(measured) in (comparison.RESULTS / "latest.md").read_text()
    assert {row.group.partition(" ")[0] for row in measured} >= {"Start-up,", "Warm", "Zips,"}


def test_the_recorded_rows_are_found() -> None:
    found = {row.what: row.ours for row in recorded.rows()}
    assert found["first `make up`"] > 10
    assert len(found) >= 5


def test_a_chart_has_a_bar_for_each_stack_in_both_themes(tmp_path: Path) -> None:
    plots.write(tmp_path, "a", "Time", "s", [Bar("<theirs>", 4.0), Bar("ours", 1.0, is_ours=True)])
    light, dark = (ElementTree.parse(tmp_path / f"a-{theme}.svg") for theme in ("light", "dark"))  # noqa: S314  (our own file)
    for drawn in (light, dark):
        bars = drawn.findall("{*}rect")
        widths = [float(bar.attrib["width"]) for bar in bars]
        assert widths[1] == 4 * widths[0]
        labels = [text.text for text in drawn.findall("{*}text")]
        assert labels[1:] == ["ours", "1", "<theirs>", "4"]
    assert light.getroot().attrib["fill"] != dark.getroot().attrib["fill"]


def test_every_peer_is_locked_with_hashes() -> None:
    for stack in STACKS:
        lock = stack.lock.read_text()
        assert lock.count("==") <= lock.count("--hash=sha256:")
        assert "http" not in lock
