"""Refusals of `make new-service` before it writes anything.

tests/new_service creates a service.
"""

import shutil
import sys
from pathlib import Path

import pytest

from tests.build.repository import REPOSITORY
from tools.setup import new_service
from tools.setup.service_names import ServiceNames


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("repository")
    for folder in ("functions", "migrations"):
        shutil.copytree(
            REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "pyproject.toml", root)
    return root


class Command:
    """The command on the small repository. Tests call it in this process, which is quicker."""

    def __init__(
        self, root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.root, self._monkeypatch, self._capsys = root, monkeypatch, capsys

    def refusal(self, name: str) -> str:
        """Return the error message. Fail if a file was written."""
        before = files(self.root)
        self._monkeypatch.setattr(sys, "argv", ["new_service", "--root", str(self.root), name])
        assert new_service.main() == 1
        assert files(self.root) == before
        told = self._capsys.readouterr().err
        assert told.startswith("new-service: ")
        assert told.endswith(" Nothing was written.\n")
        return told


@pytest.fixture
def command(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    return Command(repository, monkeypatch, capsys)


def files(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if "__pycache__" not in path.parts}


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "A name is missing"),
        ("Parcels", "not a name in snake_case"),
        ("gift-cards", "not a name in snake_case"),
        ("../parcels", "not a name in snake_case"),
        ("2parcels", "not a name in snake_case"),
        ("parcel_" * 5 + "s", "up to 30 letters"),
        ("classes", "'class' is a keyword of Python"),
        ("coffee", "functions/coffee exists already"),
        ("atrium", "functions/atrium exists already"),
        ("json", "'json' is a Python module already"),
        ("msgspec", "'msgspec' is a Python module already"),
        ("tests", "'tests' is a Python module already"),
        ("queries", "'queries' already means something in the code of a service"),
        ("references", "'references' is a keyword of SQL"),
        ("order", "The table orders exists already (migrations/0003_coffee.sql)"),
    ],
)
def test_an_invalid_name_is_refused(command: Command, name: str, why: str) -> None:
    assert why in command.refusal(name)


def test_an_existing_path_is_refused_with_the_builds_own_message(command: Command) -> None:
    for file in ("openapi.yaml", "handler.py"):
        served = command.root / "functions" / "meta" / file
        served.write_text(served.read_text().replace("/v1/health", "/v1/zeppelins"))
    assert "/v1/zeppelins: It is already in functions/meta/openapi.yaml" in command.refusal(
        "zeppelins"
    )


@pytest.mark.parametrize(
    ("name", "singular", "plural"),
    [
        ("parcels", "parcel", "parcels"),
        ("parcel", "parcel", "parcels"),
        ("deliveries", "delivery", "deliveries"),
        ("boxes", "box", "boxes"),
        ("houses", "house", "houses"),
        ("addresses", "address", "addresses"),
        ("news", "news", "newses"),
        ("gift_cards", "gift_card", "gift_cards"),
    ],
)
def test_the_singular_and_plural_of_a_service_name(name: str, singular: str, plural: str) -> None:
    names = ServiceNames.of(name)
    assert (names.singular, names.plural) == (singular, plural)
