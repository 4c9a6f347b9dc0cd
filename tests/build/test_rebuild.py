"""Incremental builds, which build only what changed."""

import functools
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.build.repository import CompletedCommand, finish, start
from tools.build.__main__ import refresh
from tools.build.artefacts import Artefact


def build(root: Path) -> CompletedCommand:
    """Build without uv, which must not be needed."""
    return finish(start(root, "--local", UV="/nowhere/uv"))


def made(ran: CompletedCommand) -> list[str]:
    """Return the names of the artefacts that the build reported as built."""
    assert ran.status == 0, ran.err
    return sorted(line.split()[0] for line in ran.out.splitlines() if " built " in line)


def dates(root: Path) -> dict[Path, int]:
    return {file: file.stat().st_mtime_ns for file in (root / "build").rglob("*") if file.is_file()}


def test_without_a_change_nothing_is_built(again: Path) -> None:
    before = dates(again)
    assert made(build(again)) == []
    assert dates(again) == before


def test_only_the_changed_function_is_built(again: Path) -> None:
    (again / "functions/keeper/handler.py").write_text("def handler(event, context): ...\n")
    assert made(build(again)) == ["functions/keeper.zip"]


def test_a_changed_kernel_needs_no_new_wheels_and_equals_a_clean_build(again: Path) -> None:
    kernel, layer = again / "functions/atrium/greeting.py", again / "build/layer/local/kernel.zip"
    before = layer.read_bytes()
    kernel.write_text("GREETING = 'good day'\n")
    assert made(build(again)) == ["layer/local/kernel.zip"]
    assert layer.read_bytes() != before
    kernel.write_text("GREETING = 'hello'\n")
    assert made(build(again)) == ["layer/local/kernel.zip"]
    assert layer.read_bytes() == before


def test_a_changed_contract_rebuilds_the_artefacts_that_contain_it(again: Path) -> None:
    contract = again / "functions/notes/openapi.yaml"
    contract.write_text(contract.read_text().replace("Read a note", "Read one note"))
    # The gateway's body has no summaries, so it is unchanged.
    assert made(build(again)) == ["functions/keeper.zip", "openapi.json"]


@pytest.mark.parametrize("artefact", ["functions/notes.zip", "openapi.json"])
def test_a_damaged_artefact_is_built_again(
    again: Path, built: tuple[Path, Path], artefact: str
) -> None:
    (again / "build" / artefact).write_bytes(b"damaged")
    assert made(build(again)) == [artefact]
    assert (again / "build" / artefact).read_bytes() == (built[1] / "build" / artefact).read_bytes()


def test_the_zip_of_a_removed_service_is_deleted(again: Path) -> None:
    shutil.rmtree(again / "functions/keeper")
    assert "functions/keeper.zip removed" in build(again).out
    assert not (again / "build/sbom/functions/keeper.cdx.json").exists()
    assert [zipped.name for zipped in (again / "build/functions").iterdir()] == ["notes.zip"]


def test_two_artefacts_built_in_parallel_are_reported_in_a_line_each(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    artefact = Artefact(tmp_path / "notes.zip", "inputs", lambda: b"zip")
    (tmp_path / "notes.zip").write_bytes(b"zip")
    (tmp_path / ".cache/stamps").mkdir(parents=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(functools.partial(refresh, tmp_path), [artefact] * 2000))
    assert {line.split()[0] + line.split()[-1] for line in capfd.readouterr().out.splitlines()} == {
        "notes.zips"
    }
