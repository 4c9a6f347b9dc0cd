"""Zips of functions and layers on disk: each unpacked once, named by its content, read only as on AWS."""

import asyncio
import shutil
import stat
import tempfile
import zipfile
from io import BytesIO
from pathlib import Path

from local.lambda_service.deployed import Archive


class Unpacked:
    """Folders of unpacked archives under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._under_way: dict[str, asyncio.Task[Path]] = {}

    async def folder(self, archive: Archive) -> Path:
        """The folder with the archive's files; unpacks it the first time, once however many ask."""
        target = self.root / archive.digest
        if target.exists():
            return target
        task = self._under_way.get(archive.digest)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_unpack, archive.content, target))
            self._under_way[archive.digest] = task
            task.add_done_callback(lambda _: self._under_way.pop(archive.digest, None))
        return await asyncio.shield(task)

    def forget(self) -> None:
        """Remove everything unpacked."""
        remove_read_only(self.root)


def remove_read_only(folder: Path) -> None:
    """`rm -r` for folders without write permission, which only root removes the plain way."""
    for path in [folder, *folder.rglob("*")] if folder.exists() else []:
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def _unpack(content: bytes, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(dir=target.parent, prefix="partial-"))
    with zipfile.ZipFile(BytesIO(content)) as archive:
        for member in archive.infolist():
            path = Path(archive.extract(member, partial))
            if not member.is_dir():
                executable = (member.external_attr >> 16) & stat.S_IXUSR
                path.chmod(0o555 if executable else 0o444)
    partial.rename(target)  # whole or absent: a killed supervisor leaves no half-unpacked function
    for path in [target, *target.rglob("*")]:
        if path.is_dir():
            path.chmod(0o555)
    return target
