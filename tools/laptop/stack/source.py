"""The digest of the running local AWS's source, which detects a checkout that changed since its start."""

import hashlib
from pathlib import Path

_PATTERNS = (
    "packages/local-aws/src/**/*.py",
    "requirements/dev.txt",
    "requirements/runtime.txt",
)


def digest(root: Path) -> str:
    found = hashlib.sha256()
    for file in sorted(file for pattern in _PATTERNS for file in root.glob(pattern)):
        found.update(f"{file.relative_to(root)}\0".encode())
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()
