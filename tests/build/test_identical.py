"""Whoever builds it, wherever and whenever: the same bytes."""

import stat
import zipfile
from pathlib import Path

import pytest

SHIPPED = ["openapi.json", "gateway.json", "functions/notes.zip", "functions/keeper.zip", "layer/local.zip"]


@pytest.mark.parametrize("artefact", SHIPPED)
def test_two_builds_from_nothing_are_equal(built: tuple[Path, Path], artefact: str) -> None:
    first, second = ((root / "build" / artefact).read_bytes() for root in built)
    assert first == second


@pytest.mark.parametrize("artefact", ["functions/notes.zip", "functions/keeper.zip", "layer/arm64.zip"])
def test_members_have_fixed_dates_and_modes(built: tuple[Path, Path], artefact: str) -> None:
    members = zipfile.ZipFile(built[0] / "build" / artefact).infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {stat.S_IFREG | 0o644}


def test_a_functions_zip_does_not_depend_on_a_compressor(built: tuple[Path, Path]) -> None:
    members = zipfile.ZipFile(built[0] / "build/functions/notes.zip").infolist()
    assert {member.compress_type for member in members} == {zipfile.ZIP_STORED}
    assert [member.filename for member in members] == sorted(member.filename for member in members)


@pytest.mark.parametrize("artefact", ["functions/notes.zip", "functions/keeper.zip", "layer/local.zip"])
def test_no_path_of_the_machine_is_shipped(built: tuple[Path, Path], artefact: str) -> None:
    zipped = zipfile.ZipFile(built[0] / "build" / artefact)
    for name in zipped.namelist():
        content = zipped.read(name)
        assert str(built[0]).encode() not in content, name
        assert b"atrium-build-" not in content, name
