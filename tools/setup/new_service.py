"""`make new-service NAME=parcels`: a service of one's own, which is `functions/coffee` in other words.

There is no template that could go stale: the original is served and tested, and the build judges the copy before any of
it is written. What coffee calls orders become the new service's resource, and its coffees that resource's items.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tools.build import contract
from tools.build.declarations import read_functions
from tools.build.errors import BuildError
from tools.setup.words import Words

ORIGINAL = "coffee"
_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_LOCAL_FILES = shutil.ignore_patterns("__pycache__", ".*", "*~")


class RefusedError(Exception):
    """Why there is no new service; nothing was written."""


def main() -> int:
    """Exit status: 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.setup.new_service", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="of the folder, such as parcels")
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)")
    options = parser.parse_args()
    root: Path = options.root.resolve()
    try:
        words = Words.of(options.name)
        made = make(root, words)
    except (RefusedError, ValueError) as refused:
        print(f"new-service: {refused} Nothing was written.", file=sys.stderr)
        return 1
    print("\n".join(str(path.relative_to(root)) for path in made))
    print(f"\nIt serves /v1/{words.path} and /v1/{words.item_path}, and is yours to change. Next: make up")
    return 0


def make(root: Path, words: Words) -> list[Path]:
    """The files of the new service, written. Raises RefusedError."""
    for why in _refusals(root, words):
        raise RefusedError(why)
    copy = {**_folder(root, words), **_migrations(root, words)}
    with tempfile.TemporaryDirectory(prefix="atrium-new-service-") as draft:
        _draft(root, Path(draft), words, copy)
        for path in copy:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(draft) / path, root / path)
    return sorted(root / path for path in copy)


def _refusals(root: Path, words: Words) -> Iterator[str]:
    if (root / "functions" / words.name).exists():
        yield f"functions/{words.name} is there already. Choose another name."
    if find_spec(words.name):
        yield f"{words.name!r} is a Python module already, which the service would hide. Choose another name."
    known = _identifiers(root / "functions" / ORIGINAL)
    for word in (word for word in (words.name, words.singular, words.plural) if word in known):
        yield f"{word!r} already means something in the code of a service. Choose another name."
    for file in sorted((root / "migrations").glob("*.sql")):
        for table in (table for table in _TABLE.findall(file.read_text()) if table in words.tables):
            yield f"There is a table {table} already ({file.relative_to(root)}). Choose another name."


def _identifiers(folder: Path) -> set[str]:
    """Every word that the original's code uses, but for those which become others."""
    tokens = (
        token
        for file in folder.rglob("*.py")
        for token in tokenize.generate_tokens(io.StringIO(file.read_text()).readline)
    )
    return {token.string for token in tokens if token.type == tokenize.NAME and "order" not in token.string} | {"item"}


def _folder(root: Path, words: Words) -> dict[Path, str]:
    """By path in the repository."""
    original = root / "functions" / ORIGINAL
    files = (file for file in original.rglob("*.*") if file.is_file() and "__pycache__" not in file.parts)
    return {
        Path("functions", words.name, *map(words.said, file.relative_to(original).parts)): words.said(file.read_text())
        for file in files
    }


def _migrations(root: Path, words: Words) -> dict[Path, str]:
    folder = root / "migrations"
    number = max(int(file.name[:4]) for file in folder.glob("[0-9][0-9][0-9][0-9]_*.sql")) + 1
    return {
        Path("migrations", f"{number:04}_{words.name}{file.name[4:].removeprefix(f'_{ORIGINAL}')}"): words.said(
            file.read_text()
        )
        for file in folder.glob(f"[0-9][0-9][0-9][0-9]_{ORIGINAL}.*")
    }


def _draft(root: Path, draft: Path, words: Words, copy: dict[Path, str]) -> None:
    """A repository with the new service in it. Raises RefusedError when that would not build."""
    for entry in root.iterdir():
        if entry.name in ("functions", "migrations"):
            shutil.copytree(entry, draft / entry.name, ignore=_LOCAL_FILES)
        elif entry.name != "build" and not entry.name.startswith("."):
            (draft / entry.name).symlink_to(entry)
    for path, content in copy.items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text(content)
    _format(draft, draft / "functions" / words.name)
    try:
        contract.read(draft, read_functions(draft))
    except BuildError as error:
        raise RefusedError(f"The build would refuse it: {error.told(draft)}") from None


def _format(root: Path, folder: Path) -> None:
    """Longer words break lines elsewhere, and sort imports differently."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--quiet", "--fix"], ["format", "--quiet"]):
        subprocess.run([ruff, *command, "--no-cache", str(folder)], cwd=root, check=True)


if __name__ == "__main__":
    sys.exit(main())
