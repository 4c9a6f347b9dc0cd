"""Make `.venv` of this folder stand for another checkout's, whose packages are the same.

    python3 link_environment.py /path/to/.venv

Each job of a workflow would else install 400 MB, and compile them. tools/bootstrap.py finds its
stamp and goes on. `local_aws` is the other checkout's; everything else of ours is the job's.
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
    bootstrap = runpy.run_path("tools/bootstrap.py")  # as a file: nothing is installed for it
    (venv / "atrium.stamp").write_text(bootstrap["_fingerprint"]())


if __name__ == "__main__":
    main()
