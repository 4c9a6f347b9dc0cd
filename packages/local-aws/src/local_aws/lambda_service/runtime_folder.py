"""A folder with what AWS's Python runtime puts on a function's path: `awslambdaric` and boto3.

A function must not see the other packages that this program is installed with.
"""

import compileall
import re
import shutil
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from itertools import chain
from pathlib import Path

_RUNTIME = ("awslambdaric", "boto3")
_NAME = re.compile(r"[\w.-]+")


def link_runtime(folder: Path) -> Path:
    """Fill `folder` with links to the installed packages of the runtime and their requirements."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seen: set[str] = set()
    for each in chain.from_iterable(_with_requirements(name, seen) for name in _RUNTIME):
        for name in {file.parts[0] for file in each.files or ()}:
            installed = Path(str(each.locate_file(name)))
            if not name.endswith((".dist-info", "__pycache__")) and name != "..":
                (folder / name).symlink_to(installed.resolve())
    # Workers write no bytecode, so it is compiled here once.
    compileall.compile_dir(folder, quiet=2)
    return folder


def _with_requirements(name: str, seen: set[str]) -> Iterator[Distribution]:
    if name in seen:
        return
    seen.add(name)
    found = distribution(name)
    yield found
    for requirement in found.requires or ():
        match = _NAME.match(requirement)
        if match and "extra ==" not in requirement:
            yield from _with_requirements(match[0], seen)
