"""The cost of an environment at another commit, by that commit's code and prices."""

import subprocess
import tempfile
from pathlib import Path

import msgspec

from tools import ROOT
from tools.deploy.errors import RefusedError


class Cost(msgspec.Struct, frozen=True):
    """USD of each line, by its name."""

    environment: str
    idle: dict[str, float]
    million_requests: dict[str, float]

    @property
    def idle_total(self) -> float:
        return sum(self.idle.values())

    @property
    def use_total(self) -> float:
        return sum(self.million_requests.values())


def of_commit(environment: str, commit: str, repository: Path = ROOT) -> Cost:
    """Price an environment as of `commit`: nothing if it did not exist.

    The commit is checked out into a temporary folder, where its own `make cost` runs. Raise
    RefusedError if git does not have the commit, or with the output if `make cost` fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        checkout = Path(folder) / "checkout"
        _run("git", "worktree", "add", "--detach", str(checkout), commit, cwd=repository)
        try:
            if not (checkout / "envs" / environment / "main.tf").is_file():
                return Cost(environment, {}, {})
            priced = _run("make", "-s", "cost", f"ENV={environment}", "FORMAT=json", cwd=checkout)
            return msgspec.json.decode(priced, type=Cost)
        except msgspec.DecodeError as error:
            raise RefusedError(
                f"`make cost FORMAT=json` of BASE={commit} did not print its JSON: {error}. "
                "The commit may be too old for it. Choose a later one."
            ) from None
        finally:
            _run("git", "worktree", "remove", "--force", str(checkout), cwd=repository)


def _run(*line: str, cwd: Path) -> bytes:
    done = subprocess.run(line, cwd=cwd, capture_output=True)
    if done.returncode:
        raise RefusedError(
            f"{' '.join(line[:3])} fails for the commit that BASE names:\n"
            f"{done.stdout.decode()[-2000:]}{done.stderr.decode()[-2000:]}"
        )
    return done.stdout
