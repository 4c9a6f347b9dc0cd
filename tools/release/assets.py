"""`make release-assets TAG=v0.2.0 TO=release/`: the notes and the files of a GitHub release."""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import ROOT
from tools.build import sbom
from tools.deploy import artefacts, command
from tools.deploy.errors import RefusedError
from tools.release import versions


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release.assets", description=__doc__)
    parser.add_argument("tag", help="such as v0.2.0")
    parser.add_argument("folder", type=Path, help="where notes.md and assets/ are written")
    options = parser.parse_args()
    return command.run("release-assets", lambda: write(ROOT, options.tag, options.folder))


def write(root: Path, tag: str, folder: Path) -> None:
    """Write notes and files. Raise RefusedError if the tag is not the version of this tree."""
    version = tag.removeprefix("v")
    found = versions.PROJECT_VERSION.search((root / versions.PROJECT).read_text())
    if not found or tag != f"v{found[1]}":
        raise RefusedError(
            f"the tag {tag} is not v{found[1] if found else '?'}, the version in {versions.PROJECT}."
        )
    changes = versions.section((root / versions.CHANGELOG).read_text(), version)
    files = folder / "assets"
    files.mkdir(parents=True)
    for name, file in named(root / "build"):
        shutil.copyfile(file, files / name)
    digest = artefacts.digest(root / "build")
    (folder / "notes.md").write_text("\n".join([changes, "", *_references(root, tag, digest), ""]))


def named(build: Path) -> Iterator[tuple[str, Path]]:
    """Yield each file of a release with its name, which GitHub keeps without folders."""
    deployed = list(artefacts.deployed_files(build))
    sboms = [sbom.path_of(build, file) for file in deployed if file.suffix == ".zip"]
    for file in (*deployed, *sboms):
        yield "-".join(file.relative_to(build).parts), file


def _references(root: Path, tag: str, digest: str) -> Iterator[str]:
    repository = os.environ.get("GITHUB_REPOSITORY", "OWNER/atrium")
    yield "### Modules\n\n```hcl"
    for module in sorted((root / "modules").iterdir()):
        yield f'source = "git::https://github.com/{repository}.git//modules/{module.name}?ref={tag}"'
    yield "```\n"
    yield f"Digest of the artefacts: `{digest}`"


if __name__ == "__main__":
    sys.exit(main())
