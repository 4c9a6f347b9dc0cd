"""`make test SERVICE=users` and `make test ONLY=path`: a part of the tests, on the running stack.

A service's tests are functions/<name>/tests, the unit tests that import it or lie in a folder of
its name, and the contract tests. Tests that repeat a race for seconds (`trials`) are left out.
"""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from local_aws.supervisor import ready as supervisor
from tools import ROOT
from tools.checks.stages import PYTEST, pytest_environment
from tools.deploy import stack_settings
from tools.deploy.errors import RefusedError

ON_THE_STACK = ("functions", "tests/contract", "tests/iam", "tests/story")
WITHOUT_THE_STACK = ("tests/contract/test_declarations.py",)
RULES = "tests/contract/test_declarations.py"


def main() -> int:
    """Return pytest's exit status, or 2 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.checks.selection", description=__doc__)
    parser.add_argument("--service", default="", help="a folder of functions/")
    parser.add_argument(
        "--only", default="", help="paths and options for pytest: 'tests/unit/access -k search'"
    )
    options = parser.parse_args()
    try:
        if options.service:
            chosen = [*of_service(ROOT, options.service), "-m", "not trials"]
        else:
            chosen = shlex.split(options.only)
        require_stack(chosen)
    except RefusedError as refused:
        print(f"test: {refused}", file=sys.stderr)
        return 2
    print(shlex.join(("pytest", *chosen)), flush=True)
    return subprocess.run(
        (*PYTEST, *chosen), cwd=ROOT, env=pytest_environment(), check=False
    ).returncode


def of_service(root: Path, service: str) -> list[str]:
    """Return the paths of the tests of a service.

    Raise RefusedError when there is no such service.
    """
    folder = root / "functions" / service
    if not (folder / "function.yaml").is_file():
        known = ", ".join(
            sorted(file.parent.name for file in root.glob("functions/*/function.yaml"))
        )
        raise RefusedError(f"SERVICE={service} is not a service. SERVICE is one of: {known}.")
    unit = root / "tests/unit"
    uses = re.compile(rf"^\s*(from|import) {service}(\.| |$)", re.MULTILINE)
    units = [file for file in sorted(unit.glob("test_*.py")) if uses.search(file.read_text())]
    units += [unit / service] if (unit / service).is_dir() else []
    own = [folder / "tests"] if any(folder.glob("tests/test_*.py")) else []
    rules = [root / RULES] if (folder / "openapi.yaml").is_file() else []
    if not (units or rules or own):
        raise RefusedError(
            f"SERVICE={service} has no tests of its own yet, and no unit test imports it."
        )
    return [str(path.relative_to(root)) for path in (*units, *rules, *own)]


def require_stack(chosen: Sequence[str]) -> None:
    """Raise RefusedError if a chosen path needs a stack and none is running."""
    needs = [
        path
        for path in chosen
        if path.startswith(ON_THE_STACK) and not path.startswith(WITHOUT_THE_STACK)
    ]
    if needs and supervisor.running(stack_settings.from_environment()) is None:
        raise RefusedError(
            f"{needs[0]} needs the stack, which is down. `make up` starts it with your code."
        )


if __name__ == "__main__":
    sys.exit(main())
