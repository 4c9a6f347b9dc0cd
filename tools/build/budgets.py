"""Size budgets of a function with its layers, zipped, which Lambda fetches at a cold start."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.build import layer
from tools.build.declarations import KERNEL_LAYER, SDK_LAYER, Function
from tools.build.errors import BuildError

BUDGETS = {  # bytes, by the layers that a function has
    (KERNEL_LAYER,): 1_300_000,
    (KERNEL_LAYER, SDK_LAYER): 3_100_000,
}
VENDORED = (
    # more bytes for a function with packages of its own (`package.requirements`), such as migrate
    300_000
)


def overweight(
    build: Path, functions: list[Function], platforms: Sequence[str]
) -> Iterator[BuildError]:
    """Yield a failure for each function over its budget; artefacts that failed count as empty."""
    for function in functions:
        weighed = [_parts(build, function, platform) for platform in platforms]
        parts = max(weighed, key=lambda sizes: sum(sizes.values()))
        budget = BUDGETS[tuple(function.layers)] + (
            VENDORED if function.declaration.package.requirements else 0
        )
        if sum(parts.values()) > budget:
            sizes = " + ".join(f"{path} {size / 1000:.0f} kB" for path, size in parts.items())
            why = f"{sizes} exceed the budget of {budget / 1000:.0f} kB (tools/build/budgets.py)."
            what_to_do = (
                "Remove a dependency, or leave out its unused modules (tools/build/layer.py)."
            )
            yield BuildError(function.file, "package", why, what_to_do)


def _parts(build: Path, function: Function, platform: str) -> dict[Path, int]:
    """Return the sizes of the function's zip and layers in bytes, by their paths in `build`."""
    paths = [build / "functions" / f"{function.name}.zip"]
    paths += [layer.path_of(build, platform, name) for name in function.layers]
    return {path.relative_to(build): path.stat().st_size for path in paths if path.is_file()}
