"""`make client-packages TO=dist/`: build the clients as they are published to npm and PyPI.

The packages get the version of pyproject.toml. Nothing is sent: npm and PyPI's own rules are
applied here, and the workflow *publish* sends the same files.
"""

import argparse
import email
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from packaging.metadata import InvalidMetadata, Metadata

from tools import ROOT
from tools.build.uv import uv
from tools.deploy import command
from tools.deploy.errors import RefusedError
from tools.release import versions

LINK = re.compile(r"\]\((?:\.\./)+")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.release.client_packages")
    parser.add_argument("folder", type=Path, help="where the packages are written")
    folder: Path = parser.parse_args().folder
    return command.run("client-packages", lambda: print(*write(ROOT, folder), sep="\n"))


def write(root: Path, folder: Path) -> list[Path]:
    return [npm(root, folder), *pypi(root, folder)]


def npm(root: Path, folder: Path) -> Path:
    """Write the tarball for npm, and let npm check it. `make typescript-client` must have run."""
    source = root / "clients/typescript"
    if not (source / "dist/src/index.js").is_file():
        raise RefusedError("clients/typescript is not built. Run make typescript-client first.")
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        shutil.copytree(source / "dist/src", copy / "dist/src")
        _copy_texts(root, source, copy)
        package = json.loads((source / "package.json").read_text())
        del package["scripts"], package["devDependencies"]
        # npm compares the address with that of the workflow's repository.
        repository = {"type": "git", "url": f"git+https://github.com/{_repository()}.git"}
        published = {**package, "version": _version(root), "repository": repository}
        (copy / "package.json").write_text(json.dumps(published, indent=2) + "\n")
        _run(copy, "npm", "publish", "--dry-run", "--access", "public", "--tag", "latest")
        folder.mkdir(parents=True, exist_ok=True)
        packed = _run(copy, "npm", "pack", "--json", "--pack-destination", str(folder.resolve()))
        return folder / str(json.loads(packed)[0]["filename"])


def pypi(root: Path, folder: Path) -> list[Path]:
    """Write the sdist and the wheel for PyPI, and check the wheel's metadata as PyPI does."""
    source = root / "clients/python"
    if not (source / "src/atrium_client/operations.py").is_file():
        raise RefusedError("clients/python is not generated. Run make python-client first.")
    version = _version(root)
    with tempfile.TemporaryDirectory() as temporary:
        copy = Path(temporary)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source / "src", copy / "src", ignore=ignored)
        _copy_texts(root, source, copy)
        project = (source / "pyproject.toml").read_text()
        stamped = versions.PROJECT_VERSION.sub(f'version = "{version}"', project, count=1)
        (copy / "pyproject.toml").write_text(stamped)
        output = str(folder.resolve())
        _run(copy, uv(), "build", "--offline", "--python", sys.executable, "--out-dir", output)
    (folder / ".gitignore").unlink(missing_ok=True)  # uv's
    wheel = folder / f"atrium_client-{version}-py3-none-any.whl"
    require_valid(wheel)
    return [folder / f"atrium_client-{version}.tar.gz", wheel]


def _copy_texts(root: Path, source: Path, copy: Path) -> None:
    """Copy the licence, and the README with links that work outside this repository."""
    shutil.copyfile(root / "LICENSE", copy / "LICENSE")
    base = f"https://github.com/{_repository()}/blob/v{_version(root)}/"
    readme = (source / "README.md").read_text()
    (copy / "README.md").write_text(LINK.sub(f"]({base}", readme))


def require_valid(wheel: Path) -> None:
    """Raise RefusedError for a wheel that PyPI would refuse."""
    with zipfile.ZipFile(wheel) as zipped:
        [name] = [name for name in zipped.namelist() if name.endswith(".dist-info/METADATA")]
        text = zipped.read(name)
    try:
        Metadata.from_email(text, validate=True)
    except* InvalidMetadata as invalid:
        reasons = "; ".join(map(str, invalid.exceptions))
        raise RefusedError(f"PyPI would refuse {wheel.name}: {reasons}.") from invalid
    if not email.message_from_bytes(text).get_payload():
        raise RefusedError(f"{wheel.name} has no description: clients/python/README.md is empty.")


def _version(root: Path) -> str:
    found = versions.PROJECT_VERSION.search((root / versions.PROJECT).read_text())
    if not found:
        raise RefusedError(f"{versions.PROJECT} has no version.")
    return found[1]


def _repository() -> str:
    return os.environ.get("GITHUB_REPOSITORY", "OWNER/atrium")


def _run(folder: Path, *words: str) -> str:
    ran = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise RefusedError(f"{' '.join(words[:3])} failed:\n{ran.stderr.strip()}")
    return ran.stdout


if __name__ == "__main__":
    sys.exit(main())
