"""Evaluation of conditions: results, limits, and no exception for any condition or value."""

import random
from typing import Any

import pytest

from atrium.identity import conditions

FACTS = {
    "subject": {"id": "ada", "department": "sales", "admin": True},
    "resource": {"owner": "ada", "amount": 400, "tags": ["draft", 7]},
    "context": {"at": "2026-11-28T12:00:00+01:00"},
    "now": "2026-11-28T11:30:00Z",
}
OWNS = {"==": [{"var": "resource.owner"}, {"var": "subject.id"}]}
UNKNOWN = {"==": [{"var": "resource.no_such"}, "x"]}
FALSE = {"<": [{"var": "resource.amount"}, 400]}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (OWNS, True),
        (FALSE, False),
        ({"<=": [{"var": "resource.amount"}, 400]}, True),
        ({"in": [{"var": "subject.department"}, ["sales", "law"]]}, True),
        ({"in": ["secret", {"var": "resource.tags"}]}, None),
        ({"in": ["draft", {"var": "resource.tags"}]}, True),
        ({"in": ["x", []]}, False),
        ({"after": [{"var": "now"}, {"var": "context.at"}]}, True),
        ({"before": [{"var": "now"}, "2026-11-28"]}, None),
        ({"before": [{"var": "now"}, "2026-11-28T11:00:00"]}, None),
        ({"before": ["2026-11-28T11:00:00+00:00", "2026-11-28T13:00:00+01:00"]}, True),
        ({"before": ["2026-W48-5T00:00:00Z", {"var": "now"}]}, None),
        ({"before": ["0001-01-01T00:00:00+23:59", {"var": "now"}]}, True),
        (UNKNOWN, None),
        ({"==": [{"var": "context.no"}, {"var": "context.nor"}]}, None),
        ({"!": [UNKNOWN]}, None),
        ({"!=": [{"var": "resource.amount"}, "400"]}, None),
        ({"==": [{"var": "subject.admin"}, 1]}, None),
        ({"<": [{"var": "subject.admin"}, True]}, None),
        ({"==": [{"var": "resource.tags"}, {"var": "resource.tags"}]}, None),
        ({"==": [{"var": "resource.owner.name"}, "a"]}, None),
        ({"and": [OWNS, UNKNOWN]}, None),
        ({"and": [UNKNOWN, FALSE]}, False),
        ({"or": [UNKNOWN, OWNS]}, True),
        ({"or": [FALSE, UNKNOWN]}, None),
        ({"!": [FALSE]}, True),
    ],
)
def test_a_condition_is_true_false_or_unknown(condition: Any, expected: bool | None) -> None:
    assert conditions.faults(condition, "#") == []
    assert conditions.evaluate(condition, FACTS) is expected


@pytest.mark.parametrize(
    ("condition", "place", "detail"),
    [
        (7, "", "Must be an object with one operator"),
        ({}, "", "Must be an object with one operator"),
        ({"==": [1, 1], "!=": [1, 1]}, "", "Must be an object with one operator"),
        ({"matches": ["a", "b"]}, "", "Unknown operator"),
        ({"and": OWNS}, "/and", "Must be a list"),
        ({"or": []}, "/or", "Must have one condition or more"),
        ({"!": [OWNS, OWNS]}, "/!", "Must have one condition"),
        ({"and": [OWNS, 7]}, "/and/1", "Must be an object with one operator"),
        ({"==": [1]}, "/==", "Must have two operands"),
        ({"==": [None, 1]}, "/==/0", "Must be a text"),
        ({"==": [1, [1]]}, "/==/1", "Must be a text"),
        ({"==": [1, {"var": "env.HOME"}]}, "/==/1", "Must be a text"),
        ({"in": [1, [None]]}, "/in/1", "Must contain texts"),
        ({"in": [1, "1"]}, "/in/1", "Must be a list or a variable"),
        ({"==": ["a" * 2048, "a"]}, "", "at most 2048 bytes"),
        ({"and": [OWNS] * 22}, "", "at most 64 operators"),
    ],
)
def test_the_error_points_to_the_invalid_part_of_a_condition(
    condition: Any, place: str, detail: str
) -> None:
    (fault,) = conditions.faults(condition, "#/condition")
    assert fault.pointer == f"#/condition{place}"
    assert detail in fault.detail


def test_a_condition_has_at_most_eight_levels() -> None:
    condition: Any = OWNS
    for _ in range(7):
        condition = {"!": [condition]}
    assert conditions.faults(condition, "#") == []
    (fault,) = conditions.faults({"!": [condition]}, "#")
    assert "at most 8 levels" in fault.detail


def test_no_condition_and_no_value_raises() -> None:
    """Evaluate random JSON with random facts; it is refused or evaluated."""
    chance = random.Random(1)  # noqa: S311
    accepted = 0
    for _ in range(5_000):
        condition, facts = _condition(chance, 4), _value(chance, 4)
        if conditions.faults(condition, "#") == []:
            accepted += 1
            known = dict.fromkeys(conditions.ROOTS, facts)
            assert conditions.evaluate(condition, known) in (True, False, None)
    assert accepted > 500


def _condition(chance: random.Random, levels: int) -> Any:
    name = chance.choice(["and", "or", "!", "==", "!=", "<", ">=", "in", "before", "after", "x"])
    if name in ("and", "or", "!") and levels:
        return {name: [_condition(chance, levels - 1) for _ in range(chance.randint(1, 2))]}
    return {name: [_operand(chance), _operand(chance)]}


def _operand(chance: random.Random) -> Any:
    variable = {"var": chance.choice(["subject", "resource.a", "context.a.b", "now", "env.a"])}
    return chance.choice([variable, variable, _value(chance, 1)])


def _value(chance: random.Random, levels: int) -> Any:
    if levels and chance.random() < 0.5:
        inner = [_value(chance, levels - 1) for _ in range(2)]
        return chance.choice([inner, dict(zip("ab", inner, strict=True))])
    return chance.choice(
        [None, True, 0, -1.5, 2**70, float("inf"), "", "a", "2026-11-28T12:00:00Z", "2026-13-01"]
    )
