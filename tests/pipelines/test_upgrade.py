"""`make upgrade`: forks merge the next release and keep their additions."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tools.deploy.errors import RefusedError
from tools.release import versions
from tools.release.upgrade import Fork, upgrade
from tools.release.versions import PROJECT_VERSION
from tools.setup import new_environment, new_service
from tools.setup.service_names import ServiceNames

ROOT = Path(__file__).resolve().parents[2]
NEXT = len(list((ROOT / "migrations").glob("*.rollback.sql"))) + 1
ADDED = f"{NEXT:04}_zones"


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "gc.auto=0")
    command = ["git", *identity, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@dataclass(frozen=True)
class Atrium:
    """The previous release, and a next one: this tree with changes as releases have them."""

    folder: Path
    previous: str
    next: str

    def fork(self, to: Path, *, history: bool) -> Fork:
        """Fork the previous release: as a clone, or as a copy without history like GitHub's
        templates.
        """
        git(self.folder, "clone", "-q", "--no-tags", str(self.folder), str(to))
        git(to, "checkout", "-q", "-B", "main", self.commit(self.previous))
        if not history:
            shutil.rmtree(to / ".git")
            git(to, "init", "-q", "-b", "main")
            commit(to, "Copy of a template")
        return Fork(to)

    def commit(self, tag: str) -> str:
        return git(self.folder, "rev-parse", f"{tag}^{{commit}}")

    def migrations(self, tag: str) -> set[str]:
        return Fork(self.folder).migrations(tag)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


@pytest.fixture(scope="module")
def atrium(tmp_path_factory: pytest.TempPathFactory) -> Atrium:
    folder = tmp_path_factory.mktemp("atrium")
    git(folder, "init", "-q", "-b", "main")
    previous = newest_tag() or "v0.1.0"
    major, minor, _ = versions.parts(previous.removeprefix("v"))
    made = Atrium(folder, previous, f"v{major}.{minor + 1}.0")
    lay_out(folder, newest_tag())
    set_version(folder, made.previous)
    commit(folder, "Release")
    git(folder, "tag", made.previous)
    git(folder, "rm", "-rq", ".")
    lay_out(folder, "")
    make_next(folder, made.next)
    commit(folder, "Next release")
    git(folder, "tag", made.next)
    return made


def newest_tag() -> str:
    """Return the tag of the newest release before this tree, "" if there is none, as in a shallow
    clone.
    """
    describe = ["git", "describe", "--tags", "--abbrev=0", "--match", "v*"]
    done = subprocess.run(describe, cwd=ROOT, capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def lay_out(folder: Path, tag: str) -> None:
    """Write the files of a release, or of this tree."""
    if tag:
        archive = subprocess.run(["git", "archive", tag], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["tar", "-x"], cwd=folder, input=archive.stdout, check=True)
        return
    files = git(ROOT, "ls-files", "--cached", "--others", "--exclude-standard").splitlines()
    for name in files:
        if os.path.lexists(ROOT / name):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)


def set_version(folder: Path, tag: str) -> None:
    project = folder / "pyproject.toml"
    version = f'version = "{tag.removeprefix("v")}"'
    project.write_text(PROJECT_VERSION.sub(version, project.read_text(), count=1))


def make_next(folder: Path, tag: str) -> None:
    set_version(folder, tag)
    heading = f"## [Unreleased]\n\n## [{tag.removeprefix('v')}] - 2026-12-24\n\n- New."
    change(folder, "CHANGELOG.md", "## [Unreleased]", heading)
    change(folder, ".github/workflows/deploy.yaml", 'canary: "10"', 'canary: "20"')
    change(folder, "functions/meta/health.py", '"""', '"""New. ')
    for environment, output in (("dev", "region"), ("prod", "region"), ("bootstrap", "state_bucket")):  # fmt: skip
        declared = f'output "{output}"'
        change(folder, f"envs/{environment}/outputs.tf", declared, f"# New.\n{declared}")
    (folder / f"migrations/{ADDED}.sql").write_text("-- New.\nSELECT 1;\n")
    (folder / f"migrations/{ADDED}.rollback.sql").write_text(f"-- Reverts {ADDED}.sql: nothing.\n")


def change(folder: Path, file: str, old: str, new: str) -> None:
    text = (folder / file).read_text()
    assert old in text, file
    (folder / file).write_text(text.replace(old, new, 1))


WHOLE = bool(os.environ.get("WHOLE_MATRIX"))  # for make proof-pipelines
CLONE, TEMPLATE = pytest.param(True, id="clone"), pytest.param(False, id="template")


@pytest.mark.parametrize("history", [CLONE, TEMPLATE] if WHOLE else [CLONE])
def test_an_unchanged_fork_equals_the_release(
    atrium: Atrium, tmp_path: Path, history: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = atrium.fork(tmp_path / "fork", history=history)
    upgrade(fork, str(atrium.folder), atrium.next)
    said = capsys.readouterr().out
    assert f"{atrium.previous} → {atrium.next}, staged." in said
    assert "runs make bootstrap before the next deploy" in said
    assert "There are new migrations" in said
    commit(fork.root, "Upgrade")
    assert git(fork.root, "rev-parse", "HEAD^{tree}") == git(
        atrium.folder, "rev-parse", f"{atrium.next}^{{tree}}"
    )
    upgrade(fork, str(atrium.folder), atrium.next)
    assert f"at {atrium.next} already" in capsys.readouterr().out


@pytest.mark.parametrize("history", [CLONE, TEMPLATE] if WHOLE else [TEMPLATE])
def test_a_fork_keeps_its_service_migration_and_environment(
    atrium: Atrium, tmp_path: Path, history: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    fork = atrium.fork(tmp_path / "fork", history=history)
    new_service.write(fork.root, ServiceNames.of("parcels"))
    new_environment.write(fork.root, "staging", "prod")
    own = fork.migrations("HEAD")
    commit(fork.root, "Our own")
    own = fork.migrations("HEAD") - own
    [name] = own
    added = atrium.migrations(atrium.next) - atrium.migrations(atrium.previous)
    renamed = f"{int(name[:4]) + len(added):04}_zones"
    assert name.endswith("_parcels")
    upgrade(fork, str(atrium.folder), atrium.next)
    assert f"migrations/{ADDED}.sql is {renamed}.sql here" in capsys.readouterr().out
    commit(fork.root, "Upgrade")
    root = fork.root
    assert {name, renamed} <= fork.migrations("HEAD")
    assert ADDED not in fork.migrations("HEAD")
    assert f"{renamed}.sql" in (root / f"migrations/{renamed}.rollback.sql").read_text()
    workflow = (root / ".github/workflows/deploy.yaml").read_text()
    assert "\n  staging:\n" in workflow
    assert 'canary: "20"' in workflow
    assert (root / "functions/parcels/handler.py").is_file()
    assert "New. " in (root / "functions/meta/health.py").read_text()
    assert git(root, "status", "--porcelain") == ""


def test_a_conflicting_edit_is_reported(atrium: Atrium, tmp_path: Path) -> None:
    fork = atrium.fork(tmp_path / "fork", history=True)
    change(fork.root, ".github/workflows/deploy.yaml", 'canary: "10"', 'canary: "5"')
    commit(fork.root, "Our share")
    with pytest.raises(RefusedError) as caught:
        upgrade(fork, str(atrium.folder), atrium.next)
    assert "  .github/workflows/deploy.yaml\n" in str(caught.value)
    assert "functions/meta" not in str(caught.value)
    assert "<<<<<<<" in (fork.root / ".github/workflows/deploy.yaml").read_text()


def test_an_impossible_upgrade_is_refused_before_any_change(atrium: Atrium, tmp_path: Path) -> None:
    fork = atrium.fork(tmp_path / "fork", history=True)
    with pytest.raises(RefusedError, match=rf"v0.0.9 is older than {atrium.previous}"):
        upgrade(fork, str(atrium.folder), "v0.0.9")
    with pytest.raises(RefusedError, match="TO= names no release: make upgrade FROM="):
        upgrade(fork, str(atrium.folder), "")
    with pytest.raises(RefusedError, match="git fetch failed"):
        upgrade(fork, str(atrium.folder), "v9.0.0")
    (fork.root / "README.md").write_text("edited")
    with pytest.raises(RefusedError, match="not committed"):
        upgrade(fork, str(atrium.folder), atrium.next)
