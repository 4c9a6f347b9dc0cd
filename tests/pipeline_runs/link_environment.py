"""Replacement of this folder's `.venv` by another checkout's with the same packages.

  python3 link_environment.py /path/to/.venv

Without it, each job of a workflow would install and compile 400 MB. tools/bootstrap.py finds its
stamp and continues. `local_aws` is the other checkout's; everything else of ours is the job's.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    source, venv = Path(sys.argv[1]), Path.cwd() / ".venv"
    (venv / "bin").mkdir(parents=True)
    python = venv / "bin/python"
    python.write_text(f'#!/bin/sh\nexec {source}/bin/python "$@"\n')
    python.chmod(0o755)
    for name in ("lambda-runtime", "pycache"):
        (venv / name).symlink_to(source / name)
    # run as a file, because the job has no packages installed
    bootstrap = runpy.run_path("tools/bootstrap.py")
    (venv / "atrium.stamp").write_text(bootstrap["_fingerprint"]())


if __name__ == "__main__":
    main()
