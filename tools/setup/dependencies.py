"""`make add-dependency NAME='httpx>=0.27' [SERVICE=users]` and `make remove-dependency`.

The commands first change declaration, locks and artefacts in a copy of the repository. So an
unknown name, conflicting versions or compiled code in a function's zip leave every file unchanged.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from tomlkit.items import Array

from tools import ROOT
from tools.build import artefacts, yaml_file
from tools.build.declarations import KERNEL_LAYER, Function, read_functions
from tools.build.errors import BuildError
from tools.build.uv import uv
from tools.setup import lock

_COPIED = ("functions", "migrations", "requirements")
_PYPROJECT = "pyproject.toml"
_WHEELS = Path("build/.cache/wheels")


def main() -> int:
    """Return 0, or 1 with the reason on stderr and every file unchanged."""
    options = _options()
    root: Path = options.root.resolve()
    try:
        requirement = _requirement(root, options.name)
        with _copy(root) as copy:
            (_add if options.change == "add" else _remove)(copy, requirement, options.service)
            _build(copy)
            changed = list(_differences(copy, root))
            with _restored_on_failure(root, changed):
                for path in changed:
                    artefacts.write(root / path, (copy / path).read_bytes())
                _refresh(root, copy)
    except BuildError as error:
        print(
            f"{options.change}-dependency: {error.as_line(root)} Nothing was changed.",
            file=sys.stderr,
        )
        return 1
    print(*(f"changed: {path}" for path in changed), sep="\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.setup.dependencies", description=__doc__)
    parser.add_argument("change", choices=("add", "remove"))
    parser.add_argument(
        "name",
        nargs="?",
        default="",
        help="a package, with bounds if you like: httpx, 'httpx>=0.27'",
    )
    parser.add_argument(
        "--service",
        help="for this one alone, in its own zip (default: for all, in the kernel's layer)",
    )
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)"
    )
    return parser.parse_args()


def _requirement(root: Path, text: str) -> Requirement:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        why = f"NAME={text!r} names no package."
        raise BuildError(
            root / _PYPROJECT, None, why, "Use NAME=httpx or NAME='httpx>=0.27'."
        ) from None
    if requirement.url or requirement.marker:
        why = "An address or a marker in NAME cannot be locked by hash for every platform."
        raise BuildError(root / _PYPROJECT, None, why, "Use NAME=httpx or NAME='httpx>=0.27'.")
    return requirement


@contextmanager
def _copy(root: Path) -> Iterator[Path]:
    """Yield a temporary copy of the files that locking and building read."""
    with tempfile.TemporaryDirectory(prefix="atrium-dependency-") as folder:
        copy = Path(folder)
        for name in _COPIED:
            shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(root / _PYPROJECT, copy)
        if (root / _WHEELS).is_dir():
            shutil.copytree(root / _WHEELS, copy / _WHEELS)
        try:
            yield copy
        except BuildError as error:
            if error.file.is_relative_to(copy):
                error.file = root / error.file.relative_to(copy)
            raise


def _add(root: Path, requirement: Requirement, service: str | None) -> None:
    group = _group_of(root, service)
    with _edited_groups(root) as groups:
        if group not in groups:
            groups[group] = tomlkit.array()
            groups[lock.DEV].append(tomlkit.inline_table().append("include-group", group))
        _refuse_known(root, groups, group, requirement)
        groups[group].append(str(requirement))
    lock.lock(root)
    if not requirement.specifier:
        _pin(root, group, requirement)


def _remove(root: Path, requirement: Requirement, service: str | None) -> None:
    group = _group_of(root, service)
    with _edited_groups(root) as groups:
        kept = [
            one
            for one in groups.get(group, [])
            if _name_of(one) != canonicalize_name(requirement.name)
        ]
        if len(kept) == len(groups.get(group, [])):
            why = f"{requirement.name} is not declared there."
            raise BuildError(
                root / _PYPROJECT,
                group,
                why,
                "Name a package of that group. It may be a dependency of another package.",
            )
        groups[group] = _array(kept)
    lock.lock(root)


def _group_of(root: Path, service: str | None) -> str:
    """Return the service's own dependency group, and name it in function.yaml."""
    if service is None:
        return KERNEL_LAYER
    functions = {function.name: function for function in read_functions(root)}
    if service not in functions:
        why, what_to_do = (
            f"There is no service {service!r}.",
            f"SERVICE may be {', '.join(functions)}.",
        )
        raise BuildError(root / "functions", None, why, what_to_do)
    function = functions[service]
    if function.declaration.package.requirements is None:
        if service in lock.groups(root):
            why = f"The group {service!r} of pyproject.toml is not this service's."
            what_to_do = "Name one under package.requirements in function.yaml."
            raise BuildError(function.file, None, why, what_to_do)
        _declare(function)
    return function.declaration.package.requirements or service


def _declare(function: Function) -> None:
    """Add `package.requirements: <service>` to function.yaml without changing other lines."""
    text = function.file.read_text().rstrip("\n") + "\n"
    line = f"  requirements: {function.name}\n"
    if "package" not in yaml_file.read(function.file):
        text += f"package:\n{line}"
    elif key := re.search(r"^package: *(#.*)?\n", text, re.MULTILINE):
        text = text[: key.end()] + line + text[key.end() :]
    else:
        what_to_do = f"Write it over several lines, with `requirements: {function.name}`."
        raise BuildError(
            function.file,
            "package",
            "It is on one line, which cannot be edited safely.",
            what_to_do,
        )
    function.file.write_text(text)


@contextmanager
def _edited_groups(root: Path) -> Iterator[Any]:
    file = root / _PYPROJECT
    document: Any = tomlkit.parse(file.read_text())
    yield document["dependency-groups"]
    file.write_text(tomlkit.dumps(document))


def _refuse_known(root: Path, groups: Any, group: str, requirement: Requirement) -> None:
    name = canonicalize_name(requirement.name)
    if group != KERNEL_LAYER and name in lock.names(lock.file_of(root, KERNEL_LAYER)):
        why = f"{requirement.name} is in the kernel's layer, which every function has."
        raise BuildError(root / _PYPROJECT, group, why, "Import it without adding it.")
    if name in map(_name_of, groups[group]):
        why = f"{requirement.name} is declared there already."
        raise BuildError(
            root / _PYPROJECT, group, why, "Change its version there, then run `make lock`."
        )


def _name_of(declared: object) -> str | None:
    return canonicalize_name(Requirement(declared).name) if isinstance(declared, str) else None


def _array(items: list[Any]) -> Array:
    array = tomlkit.array()
    array.extend(items)
    return array


def _pin(root: Path, group: str, requirement: Requirement) -> None:
    """Pin a name without a version to the version that was found."""
    locked = re.search(
        rf"^{re.escape(canonicalize_name(requirement.name))}==([^\s;]+)",
        lock.file_of(root, lock.DEV).read_text(),
        re.MULTILINE,
    )
    assert locked, "it has just been locked"
    with _edited_groups(root) as groups:
        at = list(groups[group]).index(str(requirement))
        groups[group][at] = f"{requirement}=={locked[1]}"


def _differences(copy: Path, root: Path) -> Iterator[str]:
    """Yield the paths of changed and new files, relative to the repository."""
    for file in sorted(
        (
            copy / _PYPROJECT,
            *(copy / "requirements").iterdir(),
            *copy.glob("functions/*/function.yaml"),
        )
    ):
        path = file.relative_to(copy)
        if not (root / path).is_file() or (root / path).read_bytes() != file.read_bytes():
            yield str(path)


@contextmanager
def _restored_on_failure(root: Path, changed: list[str]) -> Iterator[None]:
    before = {
        path: (root / path).read_bytes() if (root / path).is_file() else None for path in changed
    }
    try:
        yield
    except BaseException:
        for path, content in before.items():
            if content is None:
                (root / path).unlink(missing_ok=True)
            else:
                artefacts.write(root / path, content)
        raise


def _refresh(root: Path, built: Path) -> None:
    """Update the environment and `build/` from the wheels in `built`."""
    _must(
        [sys.executable, str(root / "tools/bootstrap.py")],
        root,
        "It cannot be installed in the local environment",
    )
    shutil.rmtree(root / _WHEELS, ignore_errors=True)
    shutil.copytree(built / _WHEELS, root / _WHEELS)
    _build(root)


def _build(root: Path) -> None:
    """Build the artefacts. Raise the BuildError of `make build` if that fails."""
    _must([sys.executable, "-m", "tools.build", "--root", str(root)], root, "It cannot be shipped")


def _must(command: list[str], root: Path, otherwise: str) -> None:
    environment = os.environ | {"UV": uv()}
    ran = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        lines = ran.stderr.strip().splitlines() or ["no reason was given."]
        why = f"{otherwise}: {lines[0].removeprefix('build: ')}"
        raise BuildError(root / _PYPROJECT, None, why, "Or name another package or version.")


if __name__ == "__main__":
    sys.exit(main())
