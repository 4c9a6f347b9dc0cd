"""The locked wheels, installed by uv, trimmed, compiled, and cached in `build/.cache`."""

import re
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tools.build import artefacts, wheels, zips
from tools.build.archive import archive
from tools.build.errors import BuildError
from tools.build.uv import uv
from tools.build.wheels import LOCAL, PURE

# manylinux2014 wheels are the most common. Lambda's Amazon Linux 2023 has a newer glibc than they
# require.
_UV_PLATFORMS = {
    "arm64": "aarch64-manylinux2014",
    "x86_64": "x86_64-manylinux2014",
    # A processor with hardly any compiled wheels. uv prefers compiled wheels, so this makes it
    # choose the pure ones.
    PURE: "riscv64-unknown-linux",
}
LAMBDA_PLATFORMS = ("arm64", "x86_64")

_NEVER_IMPORTED = ("bin", "*.pyi", "*-stubs", "py.typed", "*.c", "*.h")
_READ_BY_IMPORTLIB_METADATA = re.compile(r"[^/]+\.dist-info/(METADATA|entry_points\.txt)")


@dataclass(frozen=True)
class Packages:
    """The wheels of one lock file on one platform, without what `is_wanted` and `trim` remove."""

    lock: Path
    platform: str
    place: zips.Place
    cache: Path
    is_wanted: Callable[[str], bool] = lambda path: True
    trim: Callable[[dict[str, bytes]], dict[str, bytes]] = lambda entries: entries
    decided_by: str = ""  # what `is_wanted` and `trim` depend on, besides the builder's code

    @property
    def digest(self) -> str:
        host = (sysconfig.get_platform(), sys.version) if self.platform == LOCAL else ()
        return artefacts.digest(
            self.lock.read_bytes(), self.platform, repr(self.place), self.decided_by, *host
        )

    def zipped(self) -> bytes:
        """Return a zip of the wheels' files, from the cache if its inputs are unchanged."""
        series = f"{self.lock.stem}-{self.platform}"
        kept = self.cache / f"{series}-{self.digest}.zip"
        if kept.is_file():
            return kept.read_bytes()
        fresh = archive(self._compiled())
        for outdated in self.cache.glob(f"{series}-*.zip"):
            outdated.unlink()
        artefacts.write(kept, fresh)
        return fresh

    def _compiled(self) -> dict[str, bytes]:
        with tempfile.TemporaryDirectory(prefix="atrium-build-") as target:
            self._install(Path(target))
            wheels.check(Path(target), self.lock, self.platform)
            installed = zips.read_tree(Path(target), self._is_shipped)
            compiled = zips.with_bytecode(
                self.trim(_headers_only(installed)), self.place, Path(target)
            )
            return zips.below(self.place.zip_folder, compiled)

    def _is_shipped(self, name: str) -> bool:
        if ".dist-info/" in name and not _READ_BY_IMPORTLIB_METADATA.fullmatch(name):
            return False
        return not zips.matches(name, _NEVER_IMPORTED) and self.is_wanted(name)

    def _install(self, target: Path) -> None:
        platform = (
            [] if self.platform == LOCAL else ["--python-platform", _UV_PLATFORMS[self.platform]]
        )
        command = [
            uv(),
            "pip",
            "install",
            "--quiet",
            "--require-hashes",
            "--no-deps",
            "--only-binary",
            ":all:",
        ]
        command += ["--python", sys.executable, "--python-version", "3.13", *platform]
        command += ["--target", str(target), "-r", str(self.lock)]
        try:
            ran = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            why = f"{command[0]} cannot be run: {error.strerror}."
            raise BuildError(
                self.lock, self.platform, why, "Correct UV, or leave it unset and put uv on PATH."
            ) from None
        if ran.returncode:
            as_what = (
                " in pure Python, as a function's zip needs it" if self.platform == PURE else ""
            )
            why = f"uv could not install it{as_what}: {' '.join(ran.stderr.split())}"
            raise BuildError(
                self.lock,
                self.platform,
                why,
                "Check the network, or renew the lock with `make lock`.",
            )


def _headers_only(installed: dict[str, bytes]) -> dict[str, bytes]:
    """Return METADATA without its README.

    pg8000 and scramp parse the file at import to find their version.
    """
    return {
        name: content.partition(b"\n\n")[0] + b"\n" if name.endswith("/METADATA") else content
        for name, content in installed.items()
    }
