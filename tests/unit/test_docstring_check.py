"""`tools.checks.docstrings`, which `make lint` runs on every Python file."""

import pytest

from tools.checks.docstrings import fragments


@pytest.mark.parametrize("word", ["What", "Whether", "Those", "Nobody", "Of", "Without"])
def test_a_docstring_that_begins_with_a_fragment_is_reported(word: str) -> None:
    text = f'"""A module."""\n\n\ndef f() -> None:\n    """{word} it does."""\n'
    assert list(fragments(text)) == [(5, word)]


def test_verbs_and_noun_phrases_pass() -> None:
    assert (
        list(fragments('"""The limits."""\n\n    """Offer a key, once."""\nX = """Of"""\n')) == []
    )
