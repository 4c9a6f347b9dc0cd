"""Zips of functions and layers on disk: each unpacked once, named by its content, read only as on AWS."""

import asyncio
import shutil
import stat
import tempfile
import zipfile
from contextlib import suppress
from io import BytesIO
from pathlib import Path

from local_aws.lambda_service.deployed import Archive

# What a file of a zip is known by: its path, size, CRC and attributes.
_Member = tuple[str, int, int, int]


class Unpacked:
    """Folders of unpacked archives under `root`. Equal files are one file, linked: a layer has hundreds, of which the
    next version changes a few."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._under_way: dict[str, asyncio.Task[Path]] = {}
        self._files: dict[_Member, Path] = {}

    async def folder(self, archive: Archive) -> Path:
        """The folder with the archive's files; unpacks it the first time, once however many ask."""
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
        )  # whole or absent: a killed supervisor leaves no half-unpacked function
        for path in [target, *target.rglob("*")]:
            if path.is_dir():
                path.chmod(0o555)
        self._files |= {member: target / file for member, file in files.items()}
        return target

    def _linked(self, member: _Member, folder: Path) -> Path | None:
        """The path below `folder` of a link to the equal file of an earlier archive, if there is one."""
        earlier = self._files.get(member)
        if earlier is None:
            return None
        path = earlier.relative_to(self.root)
        inside = Path(*path.parts[1:])
        with suppress(OSError):  # a file system without links, or the file is gone
            (folder / inside).parent.mkdir(parents=True, exist_ok=True)
            (folder / inside).hardlink_to(earlier)
            return inside
        return None


def remove_read_only(folder: Path) -> None:
    """`rm -r` for folders without write permission, which only root removes the plain way."""
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _extract(archive: zipfile.ZipFile, info: zipfile.ZipInfo, folder: Path) -> Path:
    path = Path(archive.extract(info, folder))
    executable = (info.external_attr >> 16) & stat.S_IXUSR
    path.chmod(0o555 if executable else 0o444)
    return path
