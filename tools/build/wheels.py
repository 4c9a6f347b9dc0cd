"""The check that installed wheels run on their platform, by their tags and their ELF files."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tools.build.errors import BuildError

LOCAL = "local"  # the platform of this machine
PURE = "pure"  # every platform: wheels without compiled code

PYTHON = (3, 13)  # the version on Lambda
_GLIBC = (
    34  # 2.34, of Amazon Linux 2023: https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html
)
_OLDER_NAMES = ("manylinux2014", "manylinux2010", "manylinux1")
_PROCESSORS = {"arm64": "aarch64", "x86_64": "x86_64"}
_ELF_MACHINES = {"arm64": 183, "x86_64": 62}  # e_machine, at bytes 18 and 19
_COMPILED = (".so", ".pyd", ".dylib")
_COMPILED_CODE = "it is compiled for one processor, and a function's zip is the same on all"


def check(installed: Path, lock: Path, platform: str) -> None:
    """Raise BuildError for the first package in the folder that would not run on `platform`."""
    for name, why in (*_wrong_tags(installed, platform), *_wrong_processors(installed, platform)):
        what_to_do = (
            "Without SERVICE it goes into the layer, which is built for each processor."
            if platform == PURE
            else f"Choose a version with a wheel for {platform}."
        )
        raise BuildError(lock, platform, f"{name}: {why}", what_to_do)


def _wrong_tags(installed: Path, platform: str) -> Iterator[tuple[str, str]]:
    for file in sorted(installed.glob("*.dist-info/WHEEL")):
        lines = (line.partition(": ") for line in file.read_text().splitlines())
        tags = [value for key, _, value in lines if key == "Tag"]
        if not _allowed(platform).intersection(tags):
            name, compatible = (
                file.parent.name.removesuffix(".dist-info"),
                ", ".join(tags) or "nothing",
            )
            yield (
                name,
                f"{_COMPILED_CODE} ({compatible})."
                if platform == PURE
                else f"its wheel is for {compatible}.",
            )


def _wrong_processors(installed: Path, platform: str) -> Iterator[tuple[str, str]]:
    """Yield shared objects for another processor. Even a wheel tagged `any` may have one."""
    for file in sorted(installed.rglob("*")):
        if (
            file.is_file()
            and (machine := _machine(file)) is not None
            and machine != _ELF_MACHINES.get(platform, machine)
        ):
            yield (
                file.relative_to(installed).as_posix(),
                f"it is compiled for another processor than {platform}'s.",
            )
        elif platform == PURE and file.suffix in _COMPILED:
            yield file.relative_to(installed).as_posix(), f"{_COMPILED_CODE}."


def _machine(file: Path) -> int | None:
    with file.open("rb") as opened:
        start = opened.read(20)
    return int.from_bytes(start[18:20], "little") if start.startswith(b"\x7fELF") else None


@cache
def _allowed(platform: str) -> frozenset[str]:
    # Imported here: few builds install wheels.
    from packaging.tags import compatible_tags, cpython_tags, sys_tags

    if platform == LOCAL:
        return frozenset(map(str, sys_tags()))
    if platform == PURE:
        return frozenset(map(str, compatible_tags(PYTHON, "cp313", [])))
    processor = _PROCESSORS[platform]
    platforms = [f"manylinux_2_{minor}_{processor}" for minor in range(_GLIBC, 4, -1)]
    platforms += [f"{name}_{processor}" for name in _OLDER_NAMES] + [f"linux_{processor}"]
    return frozenset(
        map(
            str,
            (
                *cpython_tags(PYTHON, ["cp313"], platforms),
                *compatible_tags(PYTHON, "cp313", platforms),
            ),
        )
    )
