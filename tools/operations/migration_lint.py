"""The checks that `make test` makes of migrations, for whoever runs this checkout's files without having tested them."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools import ROOT
from tools.deploy.errors import RefusedError

SQUAWK = Path(sys.executable).with_name("squawk")
OUTSIDE = "-- transactional: false"


def require(folder: Path = ROOT / "migrations") -> None:
    """Raise RefusedError with what squawk finds; what may not be in a migration at all, `migrate.rules` says before it runs."""
    paths = sorted(path for path in folder.glob("*.sql") if not path.stem.endswith(".rollback"))
    outside = [path for path in paths if OUTSIDE in path.read_text(encoding="utf-8-sig")]
    found = [
        squawk(group, outside=group is outside)
        for group in ([p for p in paths if p not in outside], outside)
        if group
    ]
    if wrong := [done.stdout.strip() for done in found if done.returncode]:
        raise RefusedError(
            "\n".join(["nothing was run, since squawk finds fault with these files:", *wrong])
        )


def squawk(paths: Sequence[Path], *, outside: bool) -> subprocess.CompletedProcess[str]:
    """`outside`: of a transaction."""
    options = ["--no-assume-in-transaction"] if outside else []
    return subprocess.run([SQUAWK, *options, *paths], cwd=ROOT, capture_output=True, text=True)
