"""docs/asvs.yaml: requirements, and tests that exist."""

import re
from pathlib import Path

import pytest

from tools.checks.asvs import Requirement, read, summary

ROOT = Path(__file__).resolve().parents[2]
REQUIREMENTS = read().requirements
LEVELS_1_AND_2 = 253


def test_every_requirement_of_both_levels_is_listed() -> None:
    assert len(REQUIREMENTS) == LEVELS_1_AND_2
    assert sum(each.level == 1 for each in REQUIREMENTS.values()) == 70


@pytest.mark.parametrize(("id", "requirement"), REQUIREMENTS.items(), ids=list(REQUIREMENTS))
def test_a_met_requirement_has_a_test_and_any_other_a_reason(
    id: str, requirement: Requirement
) -> None:
    assert requirement.reason.strip().endswith(".")
    assert bool(requirement.tests) == (requirement.status == "met")
    for test in requirement.tests:
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text()
        kind = rf'^run "{name}"' if file.endswith(".hcl") else rf"^def {name}\("
        assert re.search(kind, text, re.MULTILINE), f"{id}: {test} does not exist"


def test_the_summary_counts_the_applicable_requirements() -> None:
    lines = summary(read())
    assert "253 requirements" in lines[0]
    assert len(lines) == 2 + sum(each.status == "accepted" for each in REQUIREMENTS.values())
