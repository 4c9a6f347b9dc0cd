"""The journal of an import, beside its file: the state of each row, without personal data.

Each line is a JSON object with the row's key and a state: `sent` with the operation, then `invited`
or `refused` with column and reason; `present` for an address that has an account. A killed run
leaves at most an incomplete last line, which is ignored.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.deploy.errors import RefusedError

State = Literal["sent", "invited", "present", "refused"]


@dataclass(frozen=True)
class Entry:
    key: str
    state: State
    operation: str = ""
    column: str = ""
    reason: str = ""


class Journal:
    """The last entry of each row, by its key."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.entries = {entry.key: entry for entry in _read(file)}
        self._is_cut = not _ends_with_a_line(file)

    def get(self, key: str) -> Entry | None:
        return self.entries.get(key)

    def add(self, entry: Entry) -> None:
        """Write the entry to the disk."""
        line = json.dumps({name: value for name, value in vars(entry).items() if value})
        with self.file.open("a", encoding="utf-8") as opened:
            # A line that a killed run left incomplete is ended first.
            opened.write(("\n" if self._is_cut else "") + line + "\n")
            opened.flush()
            os.fsync(opened.fileno())
        self._is_cut = False
        self.entries[entry.key] = entry


def _read(file: Path) -> list[Entry]:
    if not file.exists():
        return []
    found = list[Entry]()
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            found.append(Entry(**json.loads(line)))
        except ValueError:
            continue  # incomplete after a kill: the row is sent again with the same key
        except TypeError:
            raise RefusedError(
                f"{file} is not the journal of an import. Move it to another folder, and run the same "
                "command again."
            ) from None
    return found


def _ends_with_a_line(file: Path) -> bool:
    return not file.exists() or file.read_bytes()[-1:] in (b"", b"\n")
