"""`make version`, and the notes and files of a GitHub release."""

from pathlib import Path, PurePath

import pytest
import yaml

from tools.build import sbom
from tools.deploy.errors import RefusedError
from tools.release import assets, versions

ROOT = Path(__file__).resolve().parents[2]
CHANGELOG = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.1.0] - 2026-11-01

- The first.
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "0.1.0"\n')
    return tmp_path


def test_unreleased_changes_get_a_version(root: Path) -> None:
    versions.release(root, "0.1.1", "2026-12-01")
    text = (root / "CHANGELOG.md").read_text()
    assert "## [Unreleased]\n\n## [0.1.1] - 2026-12-01\n\n### Added" in text
    assert versions.section(text, "0.1.1") == "### Added\n\n- A thing."
    assert versions.section(text, "Unreleased") == ""
    assert 'version = "0.1.1"' in (root / "pyproject.toml").read_text()
    with pytest.raises(RefusedError, match="nothing is unreleased"):
        versions.release(root, "0.2.0")


def test_the_first_version_is_that_of_pyproject(root: Path) -> None:
    (root / "CHANGELOG.md").write_text(CHANGELOG.partition("## [0.1.0]")[0])
    versions.release(root, "0.1.0")
    assert "## [0.1.0]" in (root / "CHANGELOG.md").read_text()


@pytest.mark.parametrize(
    ("version", "current", "breaking", "why"),
    [
        ("0.2", "0.1.0", False, "not a version"),
        ("0.1.0", "0.1.0", False, "released already"),
        ("0.0.9", "0.1.0", False, "must be higher than 0.1.0"),
        ("0.1.1", "0.1.0", True, "must be a new minor version"),
        ("1.3.0", "1.2.0", True, "must be a new major version"),
    ],
)
def test_a_version_that_semver_forbids_is_refused(
    root: Path, version: str, current: str, breaking: bool, why: str
) -> None:
    if breaking:
        text = CHANGELOG.replace("A thing.", "**Breaking:** a thing.").replace("0.1.0", current)
        (root / "CHANGELOG.md").write_text(text)
    (root / "pyproject.toml").write_text(f'version = "{current}"\n')
    before = (root / "CHANGELOG.md").read_text()
    with pytest.raises(RefusedError, match=why):
        versions.release(root, version)
    assert (root / "CHANGELOG.md").read_text() == before


def test_a_release_has_notes_artefacts_sboms_and_module_references(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/atrium")
    for name in ("functions/users.zip", "layer/arm64/kernel.zip", "layer/local/kernel.zip", "sbom/functions/users.cdx.json", "sbom/layer/arm64/kernel.cdx.json", "sbom/layer/local/kernel.cdx.json", "openapi.json"):  # fmt: skip
        (root / "build" / name).parent.mkdir(parents=True, exist_ok=True)
        (root / "build" / name).write_text(name)
    (root / "modules/network").mkdir(parents=True)
    to = tmp_path / "release"
    assets.write(root, "v0.1.0", to)
    assert sorted(file.name for file in (to / "assets").iterdir()) == [
        "functions-users.zip",
        "layer-arm64-kernel.zip",
        "openapi.json",
        "sbom-functions-users.cdx.json",
        "sbom-layer-arm64-kernel.cdx.json",
    ]
    notes = (to / "notes.md").read_text()
    assert notes.startswith("- The first.")
    assert "git::https://github.com/example/atrium.git//modules/network?ref=v0.1.0" in notes
    with pytest.raises(RefusedError, match=r"v0.9.0 is not v0.1.0"):
        assets.write(root, "v0.9.0", tmp_path / "other")


def test_every_zip_and_its_sbom_are_attested() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/build.yaml").read_text())
    [patterns] = [
        step["with"]["subject-path"].split()
        for step in workflow["jobs"]["build"]["steps"]
        if "attest" in step.get("uses", "")
    ]
    for name in ("functions/users.zip", "layer/arm64/kernel.zip"):
        zipped = PurePath("build") / name
        for file in (zipped, sbom.path_of(Path("build"), Path(zipped))):
            assert any(file.full_match(pattern) for pattern in patterns), file
