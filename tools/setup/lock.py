"""`python -m tools.setup.lock`: compile the groups of pyproject.toml into requirements/*.txt with hashes.

`dev` is compiled first and decides every version. A group that it includes is a subset of its
lines.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.build.errors import BuildError
from tools.build.uv import uv

DEV = "dev"
KERNEL = "kernel"
_WITHIN_DEV = ("local", "test")  # included in other groups and never installed alone
_COMPILE = (
    "pip",
    "compile",
    "--quiet",
    "--universal",
    "--python-version",
    "3.13",
    "--generate-hashes",
)
_BARE = ("--no-emit-index-url", "--no-header", "pyproject.toml")
_NAME = re.compile(r"^([\w.-]+)==", re.MULTILINE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.setup.lock", description=__doc__)
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)"
    )
    root: Path = parser.parse_args().root.resolve()
    try:
        lock(root)
    except BuildError as error:
        print(f"lock: {error.as_line(root)}", file=sys.stderr)
        return 1
    return 0


def lock(root: Path) -> None:
    """Lock every group. Raise BuildError with uv's message for conflicting or unknown packages."""
    declared = groups(root)
    _compile(root, DEV)
    for group in sorted(declared.keys() - {DEV, *_WITHIN_DEV}, key=lambda group: group != KERNEL):
        _compile(root, group, *_bounds(root, group, declared))


def groups(root: Path) -> dict[str, list[Any]]:
    declared: dict[str, list[Any]] = tomllib.loads((root / "pyproject.toml").read_text())[
        "dependency-groups"
    ]
    return declared


def file_of(root: Path, group: str) -> Path:
    return root / "requirements" / f"{group}.txt"


def names(lock_file: Path) -> set[str]:
    """Return the normalised names of the packages in a lock file."""
    return set(_NAME.findall(lock_file.read_text()))


def _bounds(root: Path, group: str, declared: dict[str, list[Any]]) -> Iterator[str]:
    if {"include-group": group} not in declared[DEV]:
        return  # awslambdaric has an environment of its own, so its versions are independent
    yield from ("-c", str(file_of(root, DEV).relative_to(root)))
    if group not in (KERNEL, "uv"):
        # Every function has the kernel's layer, so its packages are not shipped again.
        for name in sorted(names(file_of(root, KERNEL))):
            yield from ("--no-emit-package", name)


def _compile(root: Path, group: str, *bounds: str) -> None:
    output = str(file_of(root, group).relative_to(root))
    command = [
        uv(),
        *_COMPILE,
        "--python",
        sys.executable,
        "--group",
        group,
        *bounds,
        "-o",
        output,
        *_BARE,
    ]
    ran = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if ran.returncode:
        why = f"uv found no compatible versions: {' '.join(ran.stderr.split())}"
        raise BuildError(
            root / "pyproject.toml",
            group,
            why,
            "Widen the version it names, or check the name and the network.",
        )


if __name__ == "__main__":
    sys.exit(main())
