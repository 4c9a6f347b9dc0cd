"""What is deployed, and its one digest: the workflow builds once and deploys the same bytes to every environment."""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tools import ROOT
from tools.deploy.errors import RefusedError

BUILD = ROOT / "build"
LAPTOP_ONLY = "local"  # layers with wheels for the machine that built them


def main() -> int:
    """`python -m tools.deploy.artefacts`: prints the digest of what lies in build/."""
    print(digest(BUILD))
    return 0


def deployed_files(build: Path) -> Iterator[Path]:
    for pattern in (
        "openapi.json",
        "gateway.json",
        "layers.json",
        "functions/*.zip",
        "layer/*/*.zip",
    ):
        yield from (file for file in sorted(build.glob(pattern)) if file.parent.name != LAPTOP_ONLY)


def digest(build: Path) -> str:
    """SHA-256 over names and contents."""
    total = hashlib.sha256()
    for file in deployed_files(build):
        total.update(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(build)}\n".encode()
        )
    return total.hexdigest()


def require(build: Path, wanted: str) -> None:
    """Raises RefusedError if `build` holds something else than what was built as `wanted`."""
    if (found := digest(build)) != wanted:
        raise RefusedError(
            f"{build.name}/ has digest {found}, not {wanted}: these are not the artefacts that were built and tested. "
            "Fetch them again, or build: make deploy without ARTEFACTS."
        )


def build(*, local: bool) -> None:
    """Raises RefusedError with what the builder said."""
    command = [sys.executable, "-m", "tools.build", *(["--local"] if local else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RefusedError(
            f"nothing was changed, since it does not build:\n{(done.stderr or done.stdout).strip()}"
        )
    print(
        "\n".join(line for line in done.stdout.splitlines() if " unchanged " not in line)
        or "build: nothing had changed."
    )


if __name__ == "__main__":
    sys.exit(main())
