"""docs/threat-model.md: controls and tests that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODEL = ROOT / "docs/threat-model.md"
WITHOUT_A_TEST = ("accepted", "not proven yet")


def rows() -> Iterator[tuple[str, str, str]]:
    """Yield threat, control and proof of each row."""
    for line in MODEL.read_text().partition("## Threats")[2].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 4 and cells[0] and not cells[0].startswith("-"):
            yield cells[1], cells[2], cells[3]


def test_every_boundary_of_the_diagram_has_threats() -> None:
    text = MODEL.read_text()
    drawn = set(re.findall(r'"(B\d)', text))
    assert drawn == set(re.findall(r"^### (B\d)", text, re.MULTILINE))
    assert len(list(rows())) > 25


@pytest.mark.parametrize(("threat", "control", "proof"), list(rows()), ids=lambda cell: cell[:60])
def test_each_control_and_its_proof_exist(threat: str, control: str, proof: str) -> None:
    files = re.findall(r"`([\w./-]+\.\w+)`", control)
    assert all((ROOT / file).is_file() or file == "function.yaml" for file in files), control
    if proof in WITHOUT_A_TEST:
        assert control.startswith("accepted") == (proof == "accepted")
        return
    assert files, f"{threat}: no file is named."
    found = re.fullmatch(r"`(?P<file>[\w./-]+\.py)::(?P<test>test_\w+)`", proof)
    assert found, proof
    assert re.search(
        rf"^(async )?def {found['test']}\(", (ROOT / found["file"]).read_text(), re.MULTILINE
    ), proof
