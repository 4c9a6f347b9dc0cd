"""The content of zips: the selected files, their places, and their bytecode."""

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools.build import bytecode
from tools.build.archive import Entries
from tools.build.errors import BuildError

_NEVER_SHIPPED = ("__pycache__", "tests", ".*", "*~")


@dataclass(frozen=True)
class Place:
    """The folder of files in a zip and on Lambda; an empty `zip_folder` is the zip's root."""

    zip_folder: str
    lambda_folder: str


def read_tree(
    folder: Path, is_wanted: Callable[[str], bool] = lambda path: True
) -> dict[str, bytes]:
    """Return the files below `folder` by path, without bytecode, tests, dotfiles and backups."""
    paths = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {
        path: (folder / path).read_bytes()
        for path in paths
        if not matches(path, _NEVER_SHIPPED) and is_wanted(path)
    }


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Return True if the path or a part of it matches a pattern; `*` also matches slashes."""
    candidates = (path, *PurePosixPath(path).parts)
    return any(
        fnmatch.fnmatchcase(candidate, pattern) for pattern in patterns for candidate in candidates
    )


def below(folder: str, entries: Entries) -> dict[str, bytes]:
    return {f"{folder}/{path}" if folder else path: content for path, content in entries.items()}


def flat(entries: Entries) -> Iterator[str | bytes]:
    """Yield paths and contents alternately, for a digest."""
    for path in sorted(entries):
        yield from (path, entries[path])


def with_bytecode(entries: Entries, place: Place, read_from: Path) -> dict[str, bytes]:
    """Return the files with a pyc for each Python file.

    A syntax error names the path below `read_from`.
    """
    compiled = dict(entries)
    for path, content in entries.items():
        if path.endswith(".py"):
            try:
                compiled[bytecode.cached(path)] = bytecode.compile_source(
                    content, f"{place.lambda_folder}/{path}"
                )
            except SyntaxError as error:
                raise BuildError(
                    read_from / path, f"line {error.lineno}", f"{error.msg}.", "Correct it."
                ) from None
    return compiled
