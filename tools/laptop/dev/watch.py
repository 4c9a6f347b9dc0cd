"""Which files below a folder were saved."""

from collections.abc import Iterator
from pathlib import Path

from watchfiles import BaseFilter, Change, watch

SETTLE_MS = 50
"""An editor, a formatter or git may write several files, and a file in two steps."""
LONGEST_MS = 1000
"""A file that grows all the time must not keep the others waiting."""
LOOK_MS = 200
"""How long `saved` waits before it yields nothing."""


class _Filter(BaseFilter):
    """Ignores what editors keep beside a file, and what the builder leaves out."""

    ignore_dirs = ("__pycache__",)
    ignore_entity_patterns = (r"~$", r"^#.*#$", r"^4913$", r"\.pyc$")

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, change: Change, path: str) -> bool:
        parts = Path(path).relative_to(self._folder).parts
        return not any(part.startswith(".") for part in parts) and super().__call__(change, path)


def saved(folder: Path) -> Iterator[set[Path]]:
    """Yield the files that were saved, added or removed together, and an empty set when nothing was for a while.

    The watch begins with the first `next`.
    """
    real = folder.resolve()  # macOS tells real paths
    for changes in watch(
        real,
        watch_filter=_Filter(real),
        step=SETTLE_MS,
        debounce=LONGEST_MS,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
    ):
        yield {folder / Path(path).relative_to(real) for _, path in changes}
