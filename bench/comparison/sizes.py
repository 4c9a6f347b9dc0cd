"""Sizes of zips: of our functions with their layers, and of the peers' packages."""

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

from bench.comparison.rows import Row
from bench.peers.stacks import STACKS
from tools import ROOT
from tools.build import declarations

GROUP = "Zips, with bytecode"
KERNEL, WITH_SDK, FUNCTION = 1.3, 3.1, 20.0
"""Targets: MB of a function with the kernel, and with the SDK, and kB of a function alone."""


def rows() -> Iterator[Row]:
    """Yield the rows of the artefacts in build/, which must be built for arm64."""
    layers = ROOT / "build/layer/arm64"
    kernel, sdk = (layers / name for name in ("kernel.zip", "sdk.zip"))
    functions = {
        function.name: (ROOT / f"build/functions/{function.name}.zip").stat().st_size
        for function in declarations.read_functions(ROOT)
    }
    powertools, boto3 = (_zipped(name) for name in ("powertools", "boto3"))
    yield Row(
        group=GROUP, what="layer `kernel`", unit="MB", ours=kernel.stat().st_size / 1e6,
        peer="Powertools + psycopg + boto3", theirs=powertools, at_most=KERNEL,
    )  # fmt: skip
    both = (kernel.stat().st_size + sdk.stat().st_size) / 1e6
    yield Row(
        group=GROUP, what="layers `kernel` and `sdk`", unit="MB", ours=both,
        peer="boto3", theirs=boto3, at_most=WITH_SDK,
    )  # fmt: skip
    for name, size in sorted(functions.items(), key=lambda each: -each[1]):
        if size > FUNCTION * 1000 or name == "coffee":
            yield Row(
                group=GROUP,
                what=f"function `{name}`",
                unit="kB",
                ours=size / 1000,
                at_most=FUNCTION,
            )


def _zipped(stack: str) -> float:
    """Return the MB of the stack's packages, zipped as Lambda's guide says."""
    folder = next(each.folder for each in STACKS if each.name == stack) / "python"
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in _files(folder):
            archive.write(file, file.relative_to(folder))
    return len(content.getvalue()) / 1e6


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*")) if file.is_file())
