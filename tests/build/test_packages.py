"""What is told when wheels cannot be had."""

import re
from pathlib import Path

from tests.build.repository import REPOSITORY, finish, lay_out, start

KEEPER = "functions/keeper/function.yaml"


def locked(package: str) -> str:
    """The package's lines of the layer's lock."""
    lock = (REPOSITORY / "requirements/layer.txt").read_text()
    found = re.search(rf"^{package}==.*?(?=^\S|\Z)", lock, re.MULTILINE | re.DOTALL)
    assert found
    return found[0]


def test_a_function_ships_no_compiled_code(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {KEEPER: "description: x\npackage: {requirements: native}"})
    (root / "requirements/native.txt").write_text(locked("msgspec"))
    (root / "requirements/layer.txt").write_text("# not this one's subject")
    told = [line for line in finish(start(root, "--local")).err.splitlines() if "native.txt" in line]
    assert re.fullmatch(
        r"build: requirements/native.txt: msgspec/_core\S+\.so is compiled for one processor, and a function's zip is "
        r"the same on all\. Move the package to the `layer` group in pyproject.toml\.",
        told[0],
    )


def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    root = lay_out(tmp_path, {KEEPER: "description: x\npackage: {requirements: forged}"})
    (root / "requirements/forged.txt").write_text(f"six==1.17.0 --hash=sha256:{'0' * 64}\n")
    (root / "requirements/layer.txt").write_text("# not this one's subject")
    ran = finish(start(root, "--local"))
    assert ran.status == 1
    assert "build: requirements/forged.txt: arm64: uv could not install it:" in ran.err
    assert "Traceback" not in ran.err


def test_it_says_that_uv_is_missing(tmp_path: Path) -> None:
    ran = finish(start(lay_out(tmp_path), "--local", UV="/nowhere/uv"))
    assert ran.status == 1
    assert "build: requirements/layer.txt: local: /nowhere/uv" in ran.err
    assert "Traceback" not in ran.err
