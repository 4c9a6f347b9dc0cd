"""The deployed artefacts of this checkout and of the benchmark's own services, built and unpacked."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from tools.bootstrap import RUNTIME

ROOT = Path(__file__).resolve().parents[2]
_SERVICES = Path(__file__).with_name("services")
_WHEELS = "build/.cache/wheels"
_IGNORED = shutil.ignore_patterns("__pycache__")


@dataclass(frozen=True)
class Artefacts:
    """The unpacked artefacts. `runtime` is the folder that AWS adds to every function's path."""

    runtime: Path
    layer: Path
    functions: Path

    def task_root(self, function: str) -> Path:
        return self.functions / function


def build(folder: Path) -> Artefacts:
    """Build a copy of the checkout in `folder`, which leaves `build/` alone. Exit if it fails."""
    checkout = folder / "checkout"
    for name in ("functions", "migrations", "requirements"):
        shutil.copytree(ROOT / name, checkout / name, ignore=_IGNORED)
    shutil.copytree(_SERVICES, checkout / "functions", ignore=_IGNORED, dirs_exist_ok=True)
    if (
        ROOT / _WHEELS
    ).is_dir():  # Without these, uv installs the layer's packages, which takes some seconds.
        shutil.copytree(ROOT / _WHEELS, checkout / _WHEELS)
    _run_builder(checkout)
    artefacts = Artefacts(folder / "runtime", folder / "layer", folder / "functions")
    for zipped in (checkout / "build/layer/local").glob("*.zip"):  # one folder, like /opt on AWS
        _unpack(zipped, artefacts.layer)
    for zipped in (checkout / "build/functions").glob("*.zip"):
        _unpack(zipped, artefacts.task_root(zipped.stem))
    shutil.copytree(RUNTIME, artefacts.runtime, ignore=_IGNORED)
    never_compared = py_compile.PycInvalidationMode.UNCHECKED_HASH
    # The worker ignores PYTHONPYCACHEPREFIX, so its bytecode must lie beside the sources.
    prefix, sys.pycache_prefix = sys.pycache_prefix, None
    try:
        compileall.compile_dir(artefacts.runtime, quiet=1, invalidation_mode=never_compared)
    finally:
        sys.pycache_prefix = prefix
    return artefacts


def _run_builder(checkout: Path) -> None:
    beside_python = Path(sys.executable).with_name("uv")
    environment = (
        {"UV": str(beside_python)} | os.environ if beside_python.is_file() else dict(os.environ)
    )
    command = [sys.executable, "-m", "tools.build", "--local", "--root", str(checkout)]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if ran.returncode:
        sys.exit(
            f"bench.startup: the build failed. Run `make build` to see the same failure.\n{ran.stderr.strip()}"
        )


def _unpack(zipped: Path, target: Path) -> None:
    with zipfile.ZipFile(zipped) as archive:
        archive.extractall(target)
