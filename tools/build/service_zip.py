"""`build/functions/<name>.zip`: a service as the package `<name>/`, with the included files."""

from pathlib import Path

from tools.build import access_rules, artefacts, zips
from tools.build.archive import archive
from tools.build.declarations import FOR_THE_BUILD, Function
from tools.build.errors import BuildError
from tools.build.packages import Packages
from tools.build.wheels import PURE

_PLACE = zips.Place(zip_folder="", lambda_folder="/var/task")
_UNUSED = ("tabulate", "tabulate-*.dist-info")  # only yoyo's command line imports it


def artefact(root: Path, build: Path, function: Function) -> artefacts.Artefact:
    own = zips.read_tree(function.folder, is_wanted=lambda path: path not in FOR_THE_BUILD)
    files = zips.below(function.name, own | _rules(function)) | _included(root, function)
    vendored = _vendored(root, build, function)

    def make() -> bytes:
        compiled = zips.with_bytecode(files, _PLACE, root / "functions")
        return archive(compiled, after=vendored.zipped()) if vendored else archive(compiled)

    inputs = artefacts.digest(vendored.digest if vendored else "", *zips.flat(files))
    return artefacts.Artefact(build / "functions" / f"{function.name}.zip", inputs, make)


def _rules(function: Function) -> dict[str, bytes]:
    return (
        {access_rules.FILE: access_rules.rules(function.contract)}
        if function.declaration.trigger == "api"
        else {}
    )


def _included(root: Path, function: Function) -> dict[str, bytes]:
    """Return the files that `package.include` names.

    Each lies at the zip's root by its last name.
    """
    included: dict[str, bytes] = {}
    for name in function.declaration.package.include:
        path = root / name
        if not path.exists():
            what_to_do = "Name a file or folder, relative to the repository."
            raise BuildError(
                function.file, "package.include", f"{name!r} does not exist.", what_to_do
            )
        included |= (
            zips.below(path.name, zips.read_tree(path))
            if path.is_dir()
            else {path.name: path.read_bytes()}
        )
    return included


def _vendored(root: Path, build: Path, function: Function) -> Packages | None:
    group = function.declaration.package.requirements
    if group is None:
        return None
    lock = root / "requirements" / f"{group}.txt"
    if not lock.is_file():
        what_to_do = "Add the group to pyproject.toml and run `make lock`."
        raise BuildError(
            function.file,
            "package.requirements",
            f"requirements/{lock.name} does not exist.",
            what_to_do,
        )
    return Packages(
        lock,
        PURE,
        _PLACE,
        build / ".cache" / "wheels",
        is_wanted=lambda name: not zips.matches(name, _UNUSED),
    )
