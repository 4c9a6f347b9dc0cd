"""Detection of saved files below a folder."""

from collections.abc import Iterator
from pathlib import Path

from watchfiles import BaseFilter, Change, watch

SETTLE_MS = 50
"""The time to wait for more files. An editor or git may write several, or one in two steps."""
LONGEST_MS = 1000
"""The longest such wait in milliseconds, for a file that changes all the time."""
LOOK_MS = 200
"""The longest time that `saved` waits before it yields nothing."""


class _Filter(BaseFilter):
    """A filter that ignores editors' own files and those that the builder leaves out."""

    ignore_dirs = ("__pycache__",)
    ignore_entity_patterns = (r"~$", r"^#.*#$", r"^4913$", r"\.pyc$")

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder

    def __call__(self, change: Change, path: str) -> bool:
        parts = Path(path).relative_to(self._folder).parts
        return not any(part.startswith(".") for part in parts) and super().__call__(change, path)


def saved(folder: Path) -> Iterator[set[Path]]:
    """Yield each set of files saved, added or removed together, and an empty set after a pause.

    The watch begins with the first `next`.
    """
    real = folder.resolve()  # macOS reports resolved paths
    for changes in watch(
        real,
        watch_filter=_Filter(real),
        step=SETTLE_MS,
        debounce=LONGEST_MS,
        rust_timeout=LOOK_MS,
        yield_on_timeout=True,
    ):
        yield {folder / Path(path).relative_to(real) for _, path in changes}
