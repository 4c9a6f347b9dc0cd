"""Make `.venv` of this folder from links to another checkout's, whose packages are the same.

    python3 link_environment.py /path/to/.venv

A job of a workflow would else install 400 MB each. tools/bootstrap.py finds its stamp and goes on.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path.cwd()))
from tools import bootstrap


def main() -> None:
    source, venv = Path(sys.argv[1]), Path.cwd() / ".venv"
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg", "lambda-runtime", "pycache"):
        (venv / name).symlink_to(source / name)
    (venv / "atrium.stamp").write_text(bootstrap._fingerprint())


if __name__ == "__main__":
    main()
