"""Compilation of named SQL parameters to numbered ones."""

import pytest

from atrium.stores.statement import Statement, number


@pytest.mark.parametrize(
    ("sql", "numbered", "names"),
    [
        ("SELECT 1", "SELECT 1", ()),
        ("SELECT :a::uuid, :b", "SELECT $1::uuid, $2", ("a", "b")),
        ("SELECT :b, :a, :b::text", "SELECT $1, $2, $1::text", ("b", "a")),
        ("SELECT :uid, :uid_2", "SELECT $1, $2", ("uid", "uid_2")),
        ("SELECT ':a', :a, ':''b'", "SELECT ':a', $1, ':''b'", ("a",)),
        ("SELECT '12:30:00'::time, :at", "SELECT '12:30:00'::time, $1", ("at",)),
        ("VALUES (:id,:uid)", "VALUES ($1,$2)", ("id", "uid")),
    ],
)
def test_names_are_numbered_in_the_order_of_their_first_use(
    sql: str, numbered: str, names: tuple[str, ...]
) -> None:
    assert number(sql) == (numbered, names)


def test_values_follow_the_numbers_not_the_order_of_the_mapping() -> None:
    statement = Statement("SELECT :b::text, :a::int", {"a": 1, "b": "x"})
    assert statement.numbered() == ("SELECT $1::text, $2::int", ("x", 1))


def test_positional_parameters_are_left_as_they_are() -> None:
    statement = Statement("SELECT $1::int, ':a'", (1,))
    assert statement.numbered() == ("SELECT $1::int, ':a'", (1,))


@pytest.mark.parametrize(
    ("parameters", "names"), [({}, "uid"), ({"uid": 1, "id": 2}, "id"), ({"id": 1}, "id, uid")]
)
def test_a_missing_or_an_unused_name_is_an_error(parameters: dict[str, object], names: str) -> None:
    with pytest.raises(ValueError, match=f"different names: {names}\\."):
        Statement("SELECT :uid", parameters).numbered()
