"""docs/well-architected.md: places and tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/well-architected.md").read_text()
PILLARS = [
    "Operational excellence", "Security", "Reliability", "Performance efficiency",
    "Cost optimisation", "Sustainability",
]  # fmt: skip
ROW = re.compile(
    r"^\| (?P<promise>[^|]+) \| `(?P<place>[^`]+)` \| `(?P<file>[^`:]+)::(?P<test>\w+)` \|$",
    re.MULTILINE,
)
ROWS = [found.groupdict() for found in ROW.finditer(PAGE)]


def test_each_pillar_has_promises() -> None:
    assert re.findall(r"^## (.+)$", PAGE, re.MULTILINE) == PILLARS
    for section in PAGE.split("\n## ")[1:]:
        assert len(ROW.findall(section)) >= 3
    tables = re.findall(r"^\| promise \|.*\n\|---.*\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    assert sum(table.count("\n") for table in tables) == len(ROWS), "a row has another form"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["promise"][:50])
def test_each_promise_names_its_place_and_its_test(row: dict[str, str]) -> None:
    assert (ROOT / row["place"]).is_file(), row["place"]
    text = (ROOT / row["file"]).read_text()
    assert re.search(rf"^def {row['test']}\(", text, re.MULTILINE), row["test"]
