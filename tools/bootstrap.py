"""Create `.venv` and the Lambda runtime folder with the standard library of Python 3.11 or later.

    python3 tools/bootstrap.py

A run with unchanged lock files is quick, since their hash is compared with that of the last run.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
RUNTIME = VENV / "lambda-runtime"  # awslambdaric alone, as on a function's path on AWS
LOCKS = ("dev.txt", "runtime.txt", "uv.txt")
FUNCTIONS_PYTHON = "3.13"


class BootstrapError(Exception):
    """A missing requirement. The message has the command that installs it."""


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - run by whatever python3 the machine has
        raise BootstrapError("python3 is older than 3.11. Install Python 3.13 and run make again.")
    _require_usable_path()
    wanted = _fingerprint()
    stamp = VENV / "atrium.stamp"
    if stamp.is_file() and stamp.read_text() == wanted and (VENV / "bin" / "python").exists():
        return
    started = time.monotonic()
    _say("environment: installing the locked packages into .venv")
    uv = _uv()
    _run(
        uv,
        "venv",
        "--quiet",
        "--allow-existing",
        "--no-project",
        "--python",
        str(find_python(uv)),
        str(VENV),
    )
    _run(
        uv,
        "pip",
        "sync",
        "--quiet",
        "--python",
        str(VENV),
        "--require-hashes",
        "requirements/dev.txt",
    )
    _link_sources()
    _install_runtime(uv)
    stamp.write_text(wanted)
    _say(f"environment: ready in {time.monotonic() - started:.1f} s")


def _require_usable_path() -> None:
    """Raise BootstrapError for a path that search paths and file formats cannot contain."""
    try:
        text = os.fsencode(ROOT).decode("utf-8")
    except UnicodeDecodeError:
        raise BootstrapError(
            f"the path of this checkout is not UTF-8: {os.fsencode(ROOT)!r}. Rename its folders and run make again."
        ) from None
    if found := [sign for sign in (":", "\n", "\r", '"', "$", "\\") if sign in text]:
        raise BootstrapError(
            f"the path of this checkout has {found[0]!r}, which search paths and Make cannot contain: {text!r}."
            " Rename its folders and run make again."
        )


def _link_sources() -> None:
    """Put this checkout's packages on the environment's path, as an editable install would."""
    [site] = VENV.glob("lib/python*/site-packages")
    (site / "atrium.pth").write_text(f"{ROOT / 'packages/local-aws/src'}\n")


def _install_runtime(uv: str) -> None:
    shutil.rmtree(RUNTIME, ignore_errors=True)
    # Workers write no bytecode, so it is compiled here once.
    lock = ("--compile-bytecode", "--require-hashes", "-r", "requirements/runtime.txt")
    _run(uv, "pip", "install", "--quiet", "--python", str(VENV), *lock, "--target", str(RUNTIME))


def _fingerprint() -> str:
    digest = hashlib.sha256(str(ROOT).encode())
    for lock in LOCKS:
        digest.update((ROOT / "requirements" / lock).read_bytes())
    return digest.hexdigest()


def _uv() -> str:
    """Return the machine's uv, or install the pinned one in its own environment."""
    found = os.environ.get("UV") or shutil.which("uv")
    if found:
        return found
    own = ROOT / ".venv-uv"
    uv = own / "bin" / "uv"
    if not uv.exists():
        _run(sys.executable, "-m", "venv", str(own))
        pip = (
            str(own / "bin" / "python"),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        )
        _run(*pip, "--require-hashes", "-r", "requirements/uv.txt")
    return str(uv)


def find_python(uv: str, version: Callable[[Path], str | None] | None = None) -> Path:
    """Return the interpreter that runs functions, of the version on AWS.

    A pyenv shim may exist but fail, so each candidate is run to get its version.
    """
    ask = version or version_of
    for candidate in candidates():
        if ask(candidate) == FUNCTIONS_PYTHON:
            return candidate
    found = subprocess.run(
        [uv, "python", "install", "--quiet", FUNCTIONS_PYTHON], capture_output=True, text=True
    )
    if found.returncode == 0:
        return Path(_output(uv, "python", "find", "--managed-python", FUNCTIONS_PYTHON))
    raise BootstrapError(
        f"Python {FUNCTIONS_PYTHON} was not found on PATH, in pyenv or by uv, and uv could not download it.\n"
        f"  Install it (`pyenv install {FUNCTIONS_PYTHON}`, your system's package, or `uv python install {FUNCTIONS_PYTHON}`)\n"
        f"  or name it: UV_PYTHON=/path/to/python{FUNCTIONS_PYTHON} make up"
    )


def candidates() -> Iterator[Path]:
    if named := os.environ.get("UV_PYTHON"):
        yield Path(shutil.which(named) or named)
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in (f"python{FUNCTIONS_PYTHON}", "python3"):
            yield Path(folder) / name
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(
        pyenv.glob(f"versions/{FUNCTIONS_PYTHON}*/bin/python{FUNCTIONS_PYTHON}"), reverse=True
    )
    uv_pythons = Path(
        os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local/share/uv/python"
    )
    yield from sorted(
        uv_pythons.glob(f"cpython-{FUNCTIONS_PYTHON}*/bin/python{FUNCTIONS_PYTHON}"), reverse=True
    )


def version_of(python: Path) -> str | None:
    if not os.access(python, os.X_OK) or python.is_dir():
        return None
    ask = [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(ask, capture_output=True, text=True)
    return answer.stdout.strip() if answer.returncode == 0 else None


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _run(*command: str) -> None:
    # Workers are isolated from our environment, so the runtime's bytecode must lie beside its
    # sources.
    environment = {
        name: value for name, value in os.environ.items() if name != "PYTHONPYCACHEPREFIX"
    }
    environment |= _own_cache()
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        tail = "\n  ".join((done.stderr or done.stdout).strip().splitlines()[-8:])
        raise BootstrapError(
            f"`{' '.join(command[:4])} …` failed:\n  {tail}\n  Check that the package registry is reachable, then run make again."
        )


def _own_cache() -> dict[str, str]:
    """Return a folder for uv's cache if its usual place is read-only, as with a read-only home."""
    if os.environ.get("UV_CACHE_DIR"):
        return {}
    cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    existing = next(
        (each for each in (cache / "uv", *(cache / "uv").parents) if each.exists()), cache
    )
    return {} if os.access(existing, os.W_OK) else {"UV_CACHE_DIR": str(VENV / "uv-cache")}


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        main()
    except BootstrapError as error:
        sys.exit(f"bootstrap: {error}")
    except KeyboardInterrupt:
        print("\nbootstrap: interrupted. Run make again to continue.", file=sys.stderr)
        sys.exit(130)
