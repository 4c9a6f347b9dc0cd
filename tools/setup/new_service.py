"""`make new-service NAME=parcels`: a minimal service of one resource.

The files come from tools/setup/templates/service. They are built in a copy of the repository before
any of them is written.
"""

import argparse
import io
import re
import shutil
import subprocess
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from tools.build import contract
from tools.build.declarations import read_functions
from tools.build.errors import BuildError
from tools.setup import template
from tools.setup.service_names import ServiceNames

_TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_LOCAL_FILES = shutil.ignore_patterns("__pycache__", ".*", "*~")


class RefusedError(Exception):
    """An error that prevents the new service. Nothing was written."""


def main() -> int:
    """Return the exit status: 0, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tools.setup.new_service", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="of the folder, such as parcels")
    parser.add_argument(
        "--root", type=Path, default=Path.cwd(), help="the repository (default: this folder)"
    )
    options = parser.parse_args()
    root: Path = options.root.resolve()
    try:
        names = ServiceNames.of(options.name)
        written = write(root, names)
    except (RefusedError, ValueError) as refused:
        print(f"new-service: {refused} Nothing was written.", file=sys.stderr)
        return 1
    print("\n".join(str(path.relative_to(root)) for path in written))
    print(f"\nThe service serves /v1/{names.variables()['path']}. Next: make up")
    return 0


def write(root: Path, names: ServiceNames) -> list[Path]:
    """Write the files of the new service and return their paths. Raise RefusedError."""
    for why in _refusals(root, names):
        raise RefusedError(why)
    files = _render(names, _next_migration(root))
    with tempfile.TemporaryDirectory(prefix="atrium-new-service-") as draft:
        _check_in_draft(root, Path(draft), names, files)
        for path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(draft) / path, root / path)
    return sorted(root / path for path in files)


def _render(names: ServiceNames, number: int) -> dict[Path, str]:
    return template.render("service", names.variables() | {"number": f"{number:04}"})


def _next_migration(root: Path) -> int:
    numbers = (
        int(file.name[:4]) for file in (root / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql")
    )
    return max(numbers, default=0) + 1


def _refusals(root: Path, names: ServiceNames) -> Iterator[str]:
    if (root / "functions" / names.service).exists():
        yield f"functions/{names.service} exists already. Choose another name."
    if find_spec(names.service):
        yield f"{names.service!r} is a Python module already, which the service would hide. Choose another name."
    used = _identifiers()
    for word in (word for word in (names.service, names.singular, names.plural) if word in used):
        yield f"{word!r} already means something in the code of a service. Choose another name."
    for file in sorted((root / "migrations").glob("*.sql")):
        if names.plural in _TABLE.findall(file.read_text()):
            yield f"The table {names.plural} exists already ({file.relative_to(root)}). Choose another name."


def _identifiers() -> set[str]:
    """Return every identifier in the template's code, except those made from the service's names."""
    example = ServiceNames("zzz_service", "zzz_singular", "zzz_plural")
    return {
        token.string
        for path, content in _render(example, 1).items()
        if path.suffix == ".py"
        for token in tokenize.generate_tokens(io.StringIO(content).readline)
        if token.type == tokenize.NAME and "zzz" not in token.string.lower()
    }


def _check_in_draft(root: Path, draft: Path, names: ServiceNames, files: dict[Path, str]) -> None:
    """Build a copy of the repository with the new service.

    Raise RefusedError when the build fails.
    """
    for entry in root.iterdir():
        if entry.name in ("functions", "migrations"):
            shutil.copytree(entry, draft / entry.name, ignore=_LOCAL_FILES)
        elif entry.name != "build" and not entry.name.startswith("."):
            (draft / entry.name).symlink_to(entry)
    for path, content in files.items():
        (draft / path).parent.mkdir(parents=True, exist_ok=True)
        (draft / path).write_text(content)
    _format(draft, draft / "functions" / names.service)
    try:
        contract.read(draft, read_functions(draft))
    except BuildError as error:
        raise RefusedError(f"The build would refuse it: {error.as_line(draft)}") from None


def _format(root: Path, folder: Path) -> None:
    """Wrap lines and sort imports again, because both depend on the length of the names."""
    ruff = str(Path(sys.executable).with_name("ruff"))
    for command in (["check", "--quiet", "--fix"], ["format", "--quiet"]):
        subprocess.run([ruff, *command, "--no-cache", str(folder)], cwd=root, check=True)


if __name__ == "__main__":
    sys.exit(main())
