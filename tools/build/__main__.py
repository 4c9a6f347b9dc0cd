"""`python -m tools.build [--local]`: build missing and outdated artefacts, with one line for each."""

import argparse
import functools
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tools.build import budgets, inventory, sbom
from tools.build.artefacts import Artefact
from tools.build.declarations import read_functions
from tools.build.errors import BuildError
from tools.build.packages import LAMBDA_PLATFORMS
from tools.build.wheels import LOCAL, PYTHON


def main() -> int:
    """Return 0, or 1 with a line on stderr for each artefact that failed."""
    options = _options()
    # Lambda would ignore bytecode of another Python, and start more slowly.
    if sys.version_info[:2] != PYTHON:
        print(
            "build: Lambda runs Python 3.13, but this is another version. Use .venv/bin/python.",
            file=sys.stderr,
        )
        return 1
    root: Path = options.root.resolve()
    platforms = [LOCAL] if options.local else [*LAMBDA_PLATFORMS, LOCAL]
    try:
        failures = list(_build(root, platforms))
    except BuildError as error:
        failures = [error]
    for failure in failures:
        print(f"build: {failure.as_line(root)}", file=sys.stderr)
    return 1 if failures else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.build", description=__doc__)
    parser.add_argument(
        "--local", action="store_true", help="no layers for Lambda, only this machine's"
    )
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)"
    )
    return parser.parse_args()


def _build(root: Path, platforms: list[str]) -> Iterator[BuildError]:
    """Build and yield the failures; stop if the contract fails, since functions may ship it."""
    build = root / "build"
    functions = read_functions(root)
    for artefact in inventory.documents(root, build, functions):
        refresh(build, artefact)
    artefacts = inventory.packages(root, build, functions, platforms)
    _remove_unknown_files(build, {artefact.path for artefact in artefacts})
    # Two threads: waiting for uv and compression release the GIL, compilation to bytecode does not.
    with ThreadPoolExecutor(2) as pool:
        yield from filter(None, pool.map(functools.partial(_attempt, build), artefacts))
    yield from budgets.overweight(build, functions, platforms)


def _attempt(build: Path, artefact: Artefact) -> BuildError | None:
    try:
        refresh(build, artefact)
    except BuildError as error:
        return error
    sbom.artefact(build, artefact.path).refresh(build / ".cache" / "stamps")
    return None


def refresh(build: Path, artefact: Artefact) -> None:
    started = time.perf_counter()
    outcome = "built" if artefact.refresh(build / ".cache" / "stamps") else "unchanged"
    kilobytes = artefact.path.stat().st_size / 1000
    seconds = time.perf_counter() - started
    line = f"{artefact.path.relative_to(build)!s:40} {kilobytes:7.0f} kB  {outcome:9} {seconds:5.2f} s\n"
    # One write, so that another thread's line cannot come before the line feed.
    print(line, end="", flush=True)


def _remove_unknown_files(build: Path, ours: Iterable[Path]) -> None:
    """Delete zips of deleted services, so that nothing deploys them."""
    for zipped in set((build / "functions").glob("*.zip")) - set(ours):
        zipped.unlink()
        sbom.path_of(build, zipped).unlink(missing_ok=True)
        print(f"functions/{zipped.name} removed: the service no longer exists")


if __name__ == "__main__":
    sys.exit(main())
