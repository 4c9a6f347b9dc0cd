"""Artefacts: a deploy accepts exactly the files that the build made."""

from pathlib import Path

import pytest

from tools.deploy import artefacts
from tools.deploy.errors import RefusedError


@pytest.fixture
def build(tmp_path: Path) -> Path:
    for name in (
        "openapi.json",
        "gateway.json",
        "layers.json",
        "functions/users.zip",
        "layer/arm64/kernel.zip",
        "layer/local/kernel.zip",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


@pytest.mark.parametrize(
    "name",
    [
        "openapi.json",
        "gateway.json",
        "layers.json",
        "functions/users.zip",
        "layer/arm64/kernel.zip",
    ],
)
def test_an_artefact_with_other_bytes_is_refused(build: Path, name: str) -> None:
    built = artefacts.digest(build)
    artefacts.require(build, built)
    (build / name).write_text("changed")
    with pytest.raises(RefusedError, match=f"not {built}. These are not the artefacts"):
        artefacts.require(build, built)


def test_a_missing_or_additional_artefact_is_refused(build: Path) -> None:
    built = artefacts.digest(build)
    (build / "functions/other.zip").write_text("more")
    assert artefacts.digest(build) != built
    (build / "functions/other.zip").rename(build / "functions/users.zip")
    assert artefacts.digest(build) != built


def test_artefacts_of_the_laptop_alone_are_ignored(build: Path) -> None:
    built = artefacts.digest(build)
    (build / "layer/local/kernel.zip").unlink()
    artefacts.require(build, built)
