"""A panel that another program adds to the console."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Panel:
    """The module `<name>.js` in a folder, whose default export is the panel.

    The module finds the console's own ones two folders up, such as `../../dom.js`.
    """

    name: str
    title: str
    folder: Path
