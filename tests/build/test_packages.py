"""Errors when wheels cannot be installed."""

import re
from pathlib import Path

import pytest

from tests.build.repository import REPOSITORY, finish, lay_out, start
from tools.build import wheels
from tools.build.errors import BuildError

MACHINES = {"aarch64": 183, "x86_64": 62}  # ELF's e_machine
KEEPER = "functions/keeper/function.yaml"


def locked(package: str) -> str:
    """Return the package's lines in the layer's lock."""
    lock = (REPOSITORY / "requirements/kernel.txt").read_text()
    found = re.search(rf"^{package}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def test_compiled_code_in_a_function_is_refused(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {KEEPER: "description: x\npackage: {requirements: native}"})
    (root / "requirements/native.txt").write_text(locked("msgspec"))
    _without_layers(root)
    told = [
        line for line in finish(start(root, "--local")).err.splitlines() if "native.txt" in line
    ]
    assert re.fullmatch(
        r"build: requirements/native.txt: pure: msgspec-\S+: it is compiled for one processor, and a function's zip is "
        r"the same on all \(cp313-.*\)\. Without SERVICE it goes into the layer, which is built for each processor\.",
        told[0],
    )


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {KEEPER: "description: x\npackage: {requirements: forged}"})
    (root / "requirements/forged.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    _without_layers(root)
    ran = finish(start(root, "--local"))
    assert ran.status == 1
    assert (
        "build: requirements/forged.txt: pure: uv could not install it in pure Python, as a function's zip needs it:"
        in ran.err
    )
    assert "Traceback" not in ran.err


def test_a_missing_uv_is_reported(tmp_path: Path) -> None:
    ran = finish(start(lay_out(tmp_path), "--local", UV="/nowhere/uv"))
    assert ran.status == 1
    assert "build: requirements/kernel.txt: local: /nowhere/uv" in ran.err
    assert "Traceback" not in ran.err


def test_code_for_another_architecture_in_a_layer_is_refused(tmp_path: Path) -> None:
    """Use a wheel with the tag `any`, which uv installs for both architectures."""
    elf = b"\x7fELF" + bytes(14) + MACHINES["x86_64"].to_bytes(2, "little")
    installed = _installed(tmp_path, "py3-none-any", {"liar/native.so": elf})
    with pytest.raises(
        BuildError,
        match=r"arm64: liar/native.so: it is compiled for another processor than arm64's\.",
    ):
        check(installed, "arm64")
    check(installed, "x86_64")


@pytest.mark.parametrize(
    ("tag", "runs_on"),
    [
        ("py3-none-any", {"arm64", "x86_64", "pure"}),
        ("cp313-cp313-manylinux_2_17_aarch64", {"arm64"}),
        ("cp39-abi3-manylinux_2_34_x86_64", {"x86_64"}),
        ("cp313-cp313-manylinux_2_35_x86_64", set()),  # Amazon Linux 2023 has glibc 2.34
        ("cp313-cp313-musllinux_1_2_x86_64", set()),
        ("cp312-cp312-manylinux_2_17_x86_64", set()),
    ],
)
def test_the_tags_of_a_wheel_are_compared_with_the_functions_platform(
    tmp_path: Path, tag: str, runs_on: set[str]
) -> None:
    installed = _installed(tmp_path, tag, {})
    for platform in ("arm64", "x86_64", "pure"):
        if platform in runs_on:
            check(installed, platform)
        else:
            with pytest.raises(BuildError, match=f"{platform}: liar-1.0: it.*{tag}"):
                check(installed, platform)


def check(installed: Path, platform: str) -> None:
    wheels.check(installed, Path("requirements/liar.txt"), platform)


def _installed(folder: Path, tag: str, files: dict[str, bytes]) -> Path:
    for name, content in {"liar-1.0.dist-info/WHEEL": f"Tag: {tag}\n".encode(), **files}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def _without_layers(root: Path) -> None:
    """Leave out the layers, which the test does not need."""
    for name in ("kernel", "sdk"):
        (root / "requirements" / f"{name}.txt").write_text("# none\n")
