"""The digest of the running local AWS's source, which detects that it changed since the start."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import local_aws

_PACKAGE = Path(local_aws.__file__).parent


def digest(others: Iterable[Path] = ()) -> str:
    """Return a digest of this package's files and of others, such as a lock file."""
    found = hashlib.sha256()
    for file in (*sorted(_PACKAGE.rglob("*.py")), *others):
        found.update(f"{file}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()
