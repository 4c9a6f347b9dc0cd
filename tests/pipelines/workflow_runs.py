"""Workflows executed on this machine by act, in a temporary copy of the repository.

Actions and make only record their calls, unless the copy has the real Makefile
(tests/pipeline_runs/laptop_account.py).

act shows the order of jobs, their inputs, and which of them run. It does not show gates, queues,
permissions or cancellation: test_workflows.py has rules for those.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent / "act"
REPOSITORY = "example/atrium"
ACCOUNT = "000000000000"
VARIABLES = {"AWS_ACCOUNT_ID": ACCOUNT, "AWS_REGION": "eu-central-1", "PROJECT_NAME": "atrium"}
MAKEFILE = '%:\n\t@python3 "$$RECORDER" make $@\n'
USES = re.compile(r"uses: ([^\s$]+)@([0-9a-f]{40})")
CLASSIC, WITH_IDS = f"repo:{REPOSITORY}", "repo:example@123456/atrium@456789"

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gc.auto=0")
Note = dict[str, str]


@dataclass(frozen=True)
class Run:
    """A run: its success, the recorded calls in order, and act's output."""

    ok: bool
    notes: list[Note]
    output: str

    def of(self, kind: str) -> list[Note]:
        return [note for note in self.notes if note["kind"] == kind]

    def made(self) -> list[str]:
        """Return the make targets in their order, with their environment."""
        return [
            " ".join(filter(None, [note["target"], note.get("ENV")])) for note in self.of("make")
        ]

    def one(self, target: str, environment: str = "") -> Note:
        [found] = [
            note
            for note in self.of("make")
            if note["target"] == target and (not environment or note.get("ENV") == environment)
        ]
        return found

    def roles(self) -> list[str]:
        return [note["role"].rpartition("/")[2] for note in self.of("assume")]


Layout = Callable[[Path], None]
"""A function that writes the repository's files; the workflows exist already."""


def stubbed(repository: Path) -> None:
    """Write a Makefile whose targets only record that they ran."""
    (repository / ".ci").mkdir()
    shutil.copy2(ROOT / ".ci/interruptible", repository / ".ci")
    (repository / "Makefile").write_text(MAKEFILE)


class Scratch:
    """A temporary repository with a copy of the workflows."""

    def __init__(
        self,
        folder: Path,
        trust: dict[str, Any],
        layout: Layout = stubbed,
        **environment: str,
    ) -> None:
        """Create the repository, unless it exists. `environment` is set in the jobs of all runs."""
        self._folder = folder
        self._environment = environment
        self._trust = folder / "trust.json"
        self.repository = folder / "repository"
        self._actions = {
            f"{name}@{commit}"
            for file in (ROOT / ".github/workflows").glob("*.yaml")
            for name, commit in USES.findall(file.read_text())
        }
        if not self.repository.exists():
            self._lay_out(layout)
            self.trust(trust)

    def _lay_out(self, layout: Layout) -> None:
        self.repository.mkdir(parents=True)
        layout(self.repository)
        workflows = self.repository / ".github/workflows"
        workflows.mkdir(parents=True, exist_ok=True)
        for file in (ROOT / ".github/workflows").glob("*.yaml"):
            text = file.read_text().replace("uses: $/", "uses: ./")  # act does not support $/ yet
            (workflows / file.name).write_text(text)
        ci = self.repository / ".ci/run"
        # The real script would run all tests, including this one.
        ci.write_text('#!/bin/sh\nexec python3 "$RECORDER" make "${1:-test}"\n')
        ci.chmod(0o755)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", f"https://github.com/{REPOSITORY}")
        self.commit("Workflows")

    def trust(self, policies: dict[str, Any]) -> None:
        """Set the trust policies of the roles, by name."""
        self._trust.write_text(json.dumps(policies))

    def git(self, *arguments: str) -> str:
        command = ["git", *IDENTITY, *arguments]
        done = subprocess.run(
            command, cwd=self.repository, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str) -> str:
        """Commit every change and return the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def run(
        self,
        workflow: str,
        event: str,
        content: dict[str, Any],
        variables: dict[str, str] | None = None,
        **environment: str,
    ) -> Run:
        """Run a workflow for an event.

        `environment` is set in its jobs, e.g. FAILING and SUBJECT.
        """
        number = len(list(self._folder.glob("run-*")))
        folder = self._folder / f"run-{number}"
        (folder / "artifacts").mkdir(parents=True)
        records = folder / "records"
        records.touch()
        repository = {"full_name": REPOSITORY, "visibility": "private"}
        (folder / "event.json").write_text(json.dumps({"repository": repository} | content))
        passed = {
            "REPOSITORY": str(self.repository),
            "RECORDER": str(HERE / "recorder.py"),
            "RECORDS": str(records),
            "ARTIFACTS": str(folder / "artifacts"),
            "TRUST": str(self._trust),
            "SUBJECT": CLASSIC,
            **self._environment,
            **environment,
        }
        command = [
            str(Path(sys.executable).with_name("act")), event,
            "--workflows", f".github/workflows/{workflow}.yaml",
            "--eventpath", str(folder / "event.json"),
            "--platform", "ubuntu-24.04=-self-hosted",
            "--concurrent-jobs", "1", "--pull=false", "--no-cache-server",
            "--secret", "GITHUB_TOKEN=t0ken",
        ]  # fmt: skip
        for name, value in passed.items():
            command += ["--env", f"{name}={value}"]
        for name, value in (VARIABLES if variables is None else variables).items():
            command += ["--var", f"{name}={value}"]
        for action in sorted(self._actions):
            command += ["--local-repository", f"{action}={self._stub(action)}"]
        own = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
        path = {"PATH": passed["PATH"]} if "PATH" in passed else {}
        done = subprocess.run(
            command,
            cwd=self.repository,
            env=os.environ | own | path,
            capture_output=True,
            text=True,
        )
        notes = [json.loads(line) for line in records.read_text().splitlines()]
        return Run(done.returncode == 0, notes, done.stdout + done.stderr)

    @staticmethod
    def _stub(action: str) -> Path:
        own = HERE / "actions" / action.partition("@")[0].rpartition("/")[2]
        return own if own.is_dir() else HERE / "actions/nothing"


BEFORE = "b" * 40
PUSH = {"ref": "refs/heads/main", "before": BEFORE}
CLAIMS = "token.actions.githubusercontent.com"


def trust(*kinds: str, ref: str = "") -> dict[str, Any]:
    subjects = [f"{subject}:{kind}" for subject in (CLASSIC, WITH_IDS) for kind in kinds]
    equals = {f"{CLAIMS}:sub": subjects} | ({f"{CLAIMS}:ref": ref} if ref else {})
    return {"Statement": [{"Condition": {"StringEquals": equals}}]}


MAIN = "refs/heads/main"
TRUST = {
    "atrium-plan": trust("pull_request", f"ref:{MAIN}"),
    "atrium-propose": trust(f"ref:{MAIN}"),
    "atrium-deploy-dev": trust("environment:dev", ref=MAIN),
    "atrium-deploy-prod": trust("environment:prod", ref=MAIN),
}
"""Trust policies as in envs/bootstrap; bootstrap.tftest.hcl checks the same conditions in the plan.
"""


def pull_request(head: str = REPOSITORY) -> dict[str, Any]:
    return {
        "pull_request": {
            "number": 7,
            "base": {"sha": BEFORE, "ref": "main"},
            "head": {"ref": "change", "repo": {"full_name": head}},
        }
    }
