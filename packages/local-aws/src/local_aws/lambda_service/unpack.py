"""Unpacked zips of functions and layers: one read-only folder per content."""

import asyncio
import shutil
import stat
import tempfile
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from local_aws.lambda_service.deployed import Archive

# The key of a file in a zip: its path, size, CRC and attributes.
_Member = tuple[str, int, int, int]


class Unpacked:
    """Folders of unpacked archives under `root`.

    Equal files are hard links to one file: a layer has hundreds of files, and the next version
    changes few.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._under_way: dict[str, asyncio.Task[Path]] = {}
        self._files: dict[_Member, Path] = {}

    async def folder(self, archive: Archive) -> Path:
        """Return the folder with the archive's files.

        The archive is unpacked once, even if several callers ask at the same time.
        """
        target = self.root / archive.digest
        if target.exists():
            return target
        task = self._under_way.get(archive.digest)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(self._unpack, archive.content, target))
            self._under_way[archive.digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(archive.digest, None))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Remove everything unpacked."""
        remove_read_only(self.root)
        self._files.clear()

    def _unpack(self, content: bytes, target: Path) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=target.parent, prefix="partial-"))
        files: dict[_Member, Path] = {}
        with zipfile.ZipFile(BytesIO(content)) as archive:
            for info in archive.infolist():
                member = (info.filename, info.file_size, info.CRC, info.external_attr)
                if info.is_dir():
                    archive.extract(info, partial)
                elif known := self._linked(member, partial):
                    files[member] = known
                else:
                    files[member] = _extract(archive, info, partial).relative_to(partial)
        partial.rename(
            target
        )  # the rename is atomic: a killed supervisor leaves no partly unpacked function
        for path in [target, *target.rglob("*")]:
            if path.is_dir():
                path.chmod(0o555)
        self._files |= {member: target / file for member, file in files.items()}
        return target

    def _linked(self, member: _Member, folder: Path) -> Path | None:
        """Link an equal file of an earlier archive into `folder` and return its relative path.

        Return None if there is none.
        """
        earlier = self._files.get(member)
        if earlier is None:
            return None
        path = earlier.relative_to(self.root)
        inside = Path(*path.parts[1:])
        with suppress(OSError):  # the file system has no links, or the file was deleted
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            (folder / inside).hardlink_to(earlier)
            return inside
        return None


def remove_read_only(folder: Path) -> None:
    """Remove a folder without write permission, which only root can remove directly."""
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> Path:
    path = Path(archive.extract(info, folder))
    executable = (info.external_attr >> 16) & stat.S_IXUSR
    path.chmod(0o555 if executable else 0o444)
    return path
