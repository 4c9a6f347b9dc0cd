"""`make migration NAME=add_x`: write a migration and its rollback with the next free number."""

import re
import sys
from pathlib import Path

from tools import ROOT
from tools.deploy import command
from tools.deploy.errors import RefusedError

FOLDER = ROOT / "migrations"
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 80
FORWARD = """\
-- Describe the purpose in one sentence.
-- Stay compatible with the running release: add, never rename or drop what it uses (docs/runbooks/migrations.md).
"""
BACK = "-- Reverts {file}: undo its statements in reverse order.\n"


def main() -> int:
    return command.run(
        "migration", lambda: print("\n".join(_created(sys.argv[1] if len(sys.argv) > 1 else "")))
    )


def _created(name: str) -> list[str]:
    return [str(path.relative_to(FOLDER.parent)) for path in create(name, FOLDER)]


def create(name: str, folder: Path) -> list[Path]:
    """Write both files and return their paths. Raise RefusedError, before anything is written."""
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        given = f"NAME={name!r} is" if name else "NAME is missing: it should be"
        raise RefusedError(
            f"{given} {'not ' if name else ''}small letters, digits and single underscores, beginning with a letter, "
            f"at most {LONGEST}: make migration NAME=add_phone_to_users. The number is added."
        )
    taken = names(folder)
    if same := [stem for stem in taken if stem.partition("_")[2] == name]:
        raise RefusedError(
            f"NAME={name} is taken by migrations/{same[0]}.sql. Choose a more specific name."
        )
    number = max((int(stem.partition("_")[0]) for stem in taken), default=0) + 1
    forward = folder / f"{number:04}_{name}.sql"
    back = folder / f"{number:04}_{name}.rollback.sql"
    forward.write_text(FORWARD)
    back.write_text(BACK.format(file=forward.name))
    return [forward, back]


def names(folder: Path = FOLDER) -> list[str]:
    """Return the names of this checkout's migrations in their order."""
    return sorted(path.stem for path in folder.glob("*.sql") if not path.stem.endswith(".rollback"))


if __name__ == "__main__":
    sys.exit(main())
