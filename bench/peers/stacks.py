"""Installation of the peers from the registry, each stack with the packages of its own lock."""

import compileall
import hashlib
import py_compile
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench.startup.artefacts import Artefacts
from tools.build.uv import uv

FOLDER = Path(__file__).resolve().parents[1] / ".peers"
_LOCKS = Path(__file__).with_name("requirements")
_FUNCTIONS = Path(__file__).with_name("functions")


@dataclass(frozen=True)
class Stack:
    """A set of packages, named as its lock, and the functions that use it."""

    name: str
    functions: tuple[str, ...]

    @property
    def lock(self) -> Path:
        return _LOCKS / f"{self.name}.txt"

    @property
    def folder(self) -> Path:
        return FOLDER / self.name

    def artefacts(self, runtime: Path) -> Artefacts:
        """Return the stack as artefacts; `runtime` is what AWS adds to every function's path."""
        return Artefacts(runtime, self.folder, self.folder / "functions")


STACKS = (
    Stack("boto3", ("boto3_client",)),
    Stack("chalice", ("chalice_app",)),
    Stack("fastapi", ("fastapi_app",)),
    Stack("powertools", ("powertools", "powertools_complete", "powertools_stores")),
)


def stack_of(function: str) -> Stack:
    return next(stack for stack in STACKS if function in stack.functions)


def install() -> None:
    """Install every stack whose lock has changed, with bytecode like ours."""
    for stack in STACKS:
        stamp = stack.folder / "lock.sha256"
        digest = hashlib.sha256(stack.lock.read_bytes()).hexdigest()
        if not stamp.is_file() or stamp.read_text() != digest:
            shutil.rmtree(stack.folder, ignore_errors=True)
            packages = ["--require-hashes", "--no-deps", "-r", str(stack.lock)]
            command = [uv(), "pip", "install", "--quiet", "--python", sys.executable, *packages]
            subprocess.run([*command, "--target", str(stack.folder / "python")], check=True)
            _compile(stack.folder / "python")
            stamp.write_text(digest)
        for function in stack.functions:
            target = stack.folder / "functions" / function
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(_FUNCTIONS / function, target / function)
            _compile(target)


def _compile(folder: Path) -> None:
    """Write bytecode that Python loads without reading the source, as in our artefacts."""
    prefix, sys.pycache_prefix = sys.pycache_prefix, None
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    try:
        compileall.compile_dir(folder, quiet=2, force=True, invalidation_mode=mode)
    finally:
        sys.pycache_prefix = prefix
