"""The artefacts of a deployment and their digest.

The workflow builds once and deploys the same bytes to every environment.
"""

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
    """Print the digest of the artefacts in build/, or fail if it is not the expected one."""
    try:
        if len(sys.argv) > 1:
            require(BUILD, sys.argv[1])
        print(digest(BUILD))
    except RefusedError as error:
        print(f"artefacts: {error}", file=sys.stderr)
        return 1
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
    """Return the SHA-256 of the artefacts' names and contents.

    Raise RefusedError if there are none.
    """
    total = hashlib.sha256()
    files = list(deployed_files(build))
    if not files:
        raise RefusedError(f"{build.name}/ has no artefacts. Run make build first.")
    for file in files:
        total.update(
            f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.relative_to(build)}\n".encode()
        )
    return total.hexdigest()


def require(build: Path, wanted: str) -> None:
    """Raise RefusedError unless the artefacts in `build` have the digest `wanted`."""
    if not wanted:
        raise RefusedError(
            "the digest of the tested artefacts is empty, so nothing was deployed. The step that wrote it has failed."
        )
    if (found := digest(build)) != wanted:
        raise RefusedError(
            f"{build.name}/ has digest {found}, not {wanted}. These are not the artefacts that were tested. "
            "Download them again, or run make deploy without ARTEFACTS to build new ones."
        )


def require_or_build(wanted: str | None) -> None:
    """Check build/ against the digest `wanted`, or build if it is None.

    Raise RefusedError if they differ.
    """
    if wanted is None:
        build(local=False)
    else:
        require(BUILD, wanted)


def build(*, local: bool) -> None:
    """Build the artefacts. Raise RefusedError with the builder's message if that fails."""
    command = [sys.executable, "-m", "tools.build", *(["--local"] if local else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RefusedError(
            f"the build failed, so nothing was changed. Correct this and run it again:\n{(done.stderr or done.stdout).strip()}"
        )
    print(
        "\n".join(line for line in done.stdout.splitlines() if " unchanged " not in line)
        or "build: every artefact is up to date."
    )


if __name__ == "__main__":
    sys.exit(main())
