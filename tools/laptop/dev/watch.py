"""Which files below a folder were saved, told by their dates: polled, since the standard library has nothing better."""

import fnmatch
import time
from pathlib import Path

POLL_SECONDS = 0.1
SETTLE_SECONDS = 0.05  # an editor, a formatter or git may write several files, and a file in two steps
LONGEST_WAIT = 20  # times that; a file that grows all the time must not keep the others waiting

# What editors leave beside a file, and what the builder leaves out.
_IGNORED = ("__pycache__", ".*", "*~", "#*#", "4913", "*.pyc")

_State = dict[Path, tuple[int, int]]


class Watch:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._seen = _state(folder)

    def changed(self) -> set[Path]:
        """Files that were saved, added or removed since the last call, once nothing changes any more."""
        now = _state(self._folder)
        if now == self._seen:
            return set()
        for _ in range(LONGEST_WAIT):
            time.sleep(SETTLE_SECONDS)
            earlier, now = now, _state(self._folder)
            if now == earlier:
                break
        before, self._seen = self._seen, now
        return {path for path in before.keys() | now.keys() if before.get(path) != now.get(path)}


def _state(folder: Path) -> _State:
    """Date and size of each file. One that goes while this looks counts as gone."""
    state: _State = {}
    for parent, folders, files in folder.walk():
        folders[:] = [name for name in folders if not _is_ignored(name)]
        for name in files:
            path = parent / name
            try:
                found = path.stat()
            except FileNotFoundError:
                continue
            if not _is_ignored(name):
                state[path] = (found.st_mtime_ns, found.st_size)
    return state


def _is_ignored(name: str) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in _IGNORED)
