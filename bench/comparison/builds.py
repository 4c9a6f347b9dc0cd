"""Times of builds: ours and the peers', alternating.

The least of three runs is compared: other work on the machine can only lengthen a run.
"""

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.comparison.rows import Row
from bench.peers.stacks import STACKS
from tools import ROOT
from tools.build import declarations
from tools.build.uv import uv

ROUNDS = 3


@dataclass(frozen=True)
class Taken:
    """The seconds of a run: on the clock, and of the processor."""

    wall: float
    processor: float


@dataclass(frozen=True)
class Case:
    """A command. `prepare` makes the change before each run."""

    name: str
    command: tuple[str, ...]
    folder: Path
    prepare: Callable[[int], object] = lambda _: None


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="atrium-bench-") as folder:
        cases = _cases(Path(folder))
        runs: dict[str, list[Taken]] = {case.name: [] for case in cases}
        for number in range(ROUNDS):
            for case in cases:
                case.prepare(number)
                runs[case.name].append(_run(case))
    wall = {name: min(run.wall for run in taken) for name, taken in runs.items()}
    cpu = {name: min(run.processor for run in taken) for name, taken in runs.items()}
    count = len(declarations.read_functions(ROOT))
    cold = f"`python -m tools.build` cold: {count} functions, layers of three platforms, contract"
    group = f"Builds (least of {ROUNDS})"
    yield Row(group=group, what=cold, unit="s of the processor", ours=cpu["cold"],
              peer=f"pip once, zip for each of {count} (one measured)",
              theirs=cpu["pip"] + count * cpu["zip"], times_less=2)  # fmt: skip
    yield Row(group=group, what=cold, unit="s of the processor", ours=cpu["cold"],
              peer="`chalice package` of one function", theirs=cpu["chalice package"])  # fmt: skip
    for name, what, limit in (
        ("nothing", "nothing changed", 0.3),
        ("one function", "one function changed", 0.5),
    ):
        yield Row(group=group, what=f"`python -m tools.build`, {what}", unit="s of wall time",
                  ours=wall[name], peer="pip and zip of one function",
                  theirs=wall["pip"] + wall["zip"], at_most=limit)  # fmt: skip


def _cases(folder: Path) -> list[Case]:
    checkout = _checkout(folder)
    build = (str(ROOT / ".venv/bin/python"), "-m", "tools.build")

    def change(number: int) -> None:
        with (checkout / "functions/users/me.py").open("a") as file:
            file.write(f"\nMEASURED = {number}\n")

    return [
        Case(
            "cold", build, checkout, lambda _: shutil.rmtree(checkout / "build", ignore_errors=True)
        ),
        Case("nothing", build, checkout),
        Case("one function", build, checkout, change),
        Case("pip", ("sh", "-e", "-c", _PIP), folder),
        Case("zip", ("sh", "-e", "-c", _ZIP), folder),
        Case(
            "chalice package",
            (sys.executable, "-c", "from chalice.cli import main; main()", "package", "out"),
            _chalice(folder),
        ),
    ]


_PIP = f"""
rm -rf vendored; mkdir vendored
{uv()} pip install --quiet --no-deps --target vendored -r {ROOT}/requirements/kernel.txt -r {ROOT}/requirements/sdk.txt
"""
_ZIP = f"""
cp -r {ROOT}/functions/atrium {ROOT}/functions/users vendored/
cd vendored && {sys.executable} -m zipfile -c ../function.zip .
"""


def _checkout(folder: Path) -> Path:
    """Return a copy of the files that git knows."""
    checkout = folder / "checkout"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, checkout / name)
    return checkout


def _chalice(folder: Path) -> Path:
    """Return a Chalice project with one route and the packages of our layers."""
    project = folder / "chalice"
    (project / ".chalice").mkdir(parents=True)
    (project / ".chalice/config.json").write_text(
        '{"version": "2.0", "app_name": "bench", "stages": {"dev": {}}}'
    )
    (project / "requirements.txt").write_text("pg8000\nmsgspec\nidna\n")
    source = (Path(__file__).parents[1] / "peers/functions/chalice_app/handler.py").read_text()
    (project / "app.py").write_text(source)
    return project


def _run(case: Case) -> Taken:
    environment = dict(os.environ)
    if case.name == "chalice package":
        packages = next(stack.folder for stack in STACKS if stack.name == "chalice") / "python"
        environment |= {"PYTHONPATH": str(packages), "AWS_DEFAULT_REGION": "eu-central-1"}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        case.command, cwd=case.folder, env=environment, capture_output=True, text=True, check=False
    )
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"bench: {case.name} failed in {case.folder}:\n{done.stdout}{done.stderr}")
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(wall, used)
