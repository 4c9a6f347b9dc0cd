"""Zips that are equal byte for byte wherever and whenever they are built, and what goes into them."""

import fnmatch
import io
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from builder import bytecode
from builder.errors import BuildError

Entries = Mapping[str, bytes]
"""Path of a file → its content."""

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest date a zip can hold
_REGULAR_FILE_0644 = 0o100644 << 16
_UNIX = 3
_LEVEL = 7  # of 9, which takes three times as long to save half a percent
_NEVER_SHIPPED = ("__pycache__", "tests", ".*", "*~")


@dataclass(frozen=True)
class Place:
    """Where files lie in a zip, and where Lambda puts them. An empty `zip_folder` is the zip's root."""

    zip_folder: str
    lambda_folder: str


def archive(entries: Entries, *, after: bytes = b"", compress: bool = False) -> bytes:
    """A zip of `entries` in the order of their paths, put `after` those of another zip.

    Stored unless asked: the output of zlib differs between its forks, so only a stored zip is equal on every OS.
    """
    buffer = io.BytesIO(after)
    with zipfile.ZipFile(buffer, "a") as zipped:
        for path in sorted(entries):
            zipped.writestr(_member(path, compress), entries[path], compresslevel=_LEVEL)
    return buffer.getvalue()


def _member(path: str, compress: bool) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(path, _EPOCH)
    member.external_attr = _REGULAR_FILE_0644
    member.create_system = _UNIX
    member.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
    return member


def entries_of(archived: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archived)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def read_tree(folder: Path, is_wanted: Callable[[str], bool] = lambda path: True) -> dict[str, bytes]:
    """The files below `folder` by their path in it, without bytecode, tests, dotfiles and editors' backups."""
    paths = (file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    return {
        path: (folder / path).read_bytes() for path in paths if not matches(path, _NEVER_SHIPPED) and is_wanted(path)
    }


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Whether the path or any of its parts fits one of the patterns; `*` also spans slashes."""
    candidates = (path, *PurePosixPath(path).parts)
    return any(fnmatch.fnmatchcase(candidate, pattern) for pattern in patterns for candidate in candidates)


def below(folder: str, entries: Entries) -> dict[str, bytes]:
    return {f"{folder}/{path}" if folder else path: content for path, content in entries.items()}


def flat(entries: Entries) -> Iterator[str | bytes]:
    """Paths and contents in turn, for a digest."""
    for path in sorted(entries):
        yield from (path, entries[path])


def with_bytecode(entries: Entries, place: Place, read_from: Path) -> dict[str, bytes]:
    """Adds a pyc to each Python file. A syntax error is told with the path below `read_from`."""
    compiled = dict(entries)
    for path, content in entries.items():
        if path.endswith(".py"):
            try:
                compiled[bytecode.cached(path)] = bytecode.compile_source(content, f"{place.lambda_folder}/{path}")
            except SyntaxError as error:
                raise BuildError(read_from / path, f"line {error.lineno}", f"{error.msg}.", "Correct it.") from None
    return compiled
