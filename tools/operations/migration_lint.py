"""The lint checks of migrations, also for runs of untested files of this checkout."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import ROOT
from tools.deploy.errors import RefusedError

SQUAWK = Path(sys.executable).with_name("squawk")
OUTSIDE = "-- transactional: false"


def require(folder: Path = ROOT / "migrations") -> None:
    """Raise RefusedError with squawk's findings; `migrate.rules` checks the rest before a run."""
    paths = sorted(path for path in folder.glob("*.sql") if not path.stem.endswith(".rollback"))
    outside = [path for path in paths if OUTSIDE in path.read_text(encoding="utf-8-sig")]
    found = [
        squawk(group, outside=group is outside)
        for group in ([p for p in paths if p not in outside], outside)
        if group
    ]
    if wrong := [done.stdout.strip() for done in found if done.returncode]:
        raise RefusedError(
            "\n".join(
                [
                    "nothing was run, because squawk rejects these files. Correct them and run this again:",
                    *wrong,
                ]
            )
        )


def squawk(paths: Sequence[Path], *, outside: bool) -> subprocess.CompletedProcess[str]:
    """Run squawk on the files; `outside` is True for migrations outside of a transaction."""
    options = ["--no-assume-in-transaction"] if outside else []
    return subprocess.run([SQUAWK, *options, *paths], cwd=ROOT, capture_output=True, text=True)
