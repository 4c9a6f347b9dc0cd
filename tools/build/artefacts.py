"""Artefacts: files that are rebuilt only if their inputs have changed."""

import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import deflate


def digest(*parts: str | bytes) -> str:
    """Return the digest of the parts, the builder's code, and the versions of Python and libdeflate."""
    total = hashlib.sha256(_BUILDER)
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        # so that the digests of ("ab", "c") and ("a", "bc") differ
        total.update(len(content).to_bytes(8) + content)
    return total.hexdigest()


def _builder() -> bytes:
    sources = sorted(Path(__file__).parent.glob("*.py"))
    versions = f"{sys.version} {deflate.__version__}".encode()
    return hashlib.sha256(versions + b"\0".join(source.read_bytes() for source in sources)).digest()


_BUILDER = _builder()


@dataclass(frozen=True)
class Artefact:
    """`inputs` is the digest of everything that decides what `make` returns."""

    path: Path
    inputs: str
    make: Callable[[], bytes]

    def refresh(self, stamps: Path) -> bool:
        """Rebuild the file if needed; return True if its bytes changed.

        Otherwise its date stays.
        """
        stamp = stamps / "-".join(self.path.relative_to(stamps.parents[1]).parts)
        before = self.path.read_bytes() if self.path.is_file() else None
        if before is not None and stamp.is_file() and stamp.read_text() == self._stamp(before):
            return False
        made = self.make()
        if made != before:
            write(self.path, made)
        write(stamp, self._stamp(made).encode())
        return made != before

    def _stamp(self, content: bytes) -> str:
        return f"{self.inputs} {hashlib.sha256(content).hexdigest()}"


def write(path: Path, content: bytes) -> None:
    """Write a file atomically, with the mode of any new file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  a descriptor
            file.write(content)
        Path(temporary).chmod(0o644)
        os.replace(temporary, path)  # noqa: PTH105  the one call that says it is atomic
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
