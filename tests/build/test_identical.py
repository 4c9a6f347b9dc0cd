"""Reproducible builds: the same bytes on any machine, in any folder, at any time."""

import stat
import zipfile
from pathlib import Path

import deflate
import pytest

ZIPS = [
    "functions/notes.zip",
    "functions/keeper.zip",
    "layer/local/kernel.zip",
    "layer/local/sdk.zip",
]
SBOMS = [f"sbom/{name.removesuffix('.zip')}.cdx.json" for name in ZIPS]


@pytest.mark.parametrize("artefact", ["openapi.json", "gateway.json", "layers.json", *ZIPS, *SBOMS])
def test_two_builds_from_nothing_are_equal(built: tuple[Path, Path], artefact: str) -> None:
    first, second = ((root / "build" / artefact).read_bytes() for root in built)
    assert first == second


@pytest.mark.parametrize("artefact", [*ZIPS, "layer/arm64/kernel.zip", "layer/arm64/sdk.zip"])
def test_members_have_fixed_dates_and_modes(built: tuple[Path, Path], artefact: str) -> None:
    members = zipfile.ZipFile(built[0] / "build" / artefact).infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert {member.external_attr >> 16 for member in members} == {stat.S_IFREG | 0o644}


def test_members_are_in_the_order_of_their_paths(built: tuple[Path, Path]) -> None:
    names = zipfile.ZipFile(built[0] / "build/functions/notes.zip").namelist()
    assert names == sorted(names)


def test_zips_are_compressed_by_the_pinned_library(built: tuple[Path, Path]) -> None:
    """Check the library, because zlib and its forks compress to different bytes."""
    with zipfile.ZipFile(built[0] / "build/functions/notes.zip") as zipped:
        [member] = [one for one in zipped.infolist() if one.filename == "notes/handler.py"]
        assert member.compress_type == zipfile.ZIP_DEFLATED
        assert member.compress_size == len(deflate.deflate_compress(zipped.read(member), 9))
        assert zipped.testzip() is None


@pytest.mark.parametrize("artefact", ZIPS)
def test_no_path_of_the_machine_is_shipped(built: tuple[Path, Path], artefact: str) -> None:
    zipped = zipfile.ZipFile(built[0] / "build" / artefact)
    for name in zipped.namelist():
        content = zipped.read(name)
        assert str(built[0]).encode() not in content, name
        assert b"atrium-build-" not in content, name
