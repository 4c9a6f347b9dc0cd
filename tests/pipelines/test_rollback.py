"""`make rollback`: the complete previous release becomes live again, and each rollback is recorded."""

import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.pipelines.aliases import Aliases, refused
from tools.deploy import live_alias, release, release_records, stored_locks
from tools.deploy.errors import RefusedError
from tools.deploy.release_records import Release
from tools.deploy.release_store import ReleaseStore
from tools.operations import commit_order
from tools.operations.rollback import deployed_commit, rollback
from tools.operations.unlock import unlock

FIRST = {"users": "1", "meta": "1"}
SECOND = {"users": "2", "meta": "1"}
THIRD = {"users": "3", "meta": "2"}


@pytest.fixture
def store() -> Iterator[ReleaseStore]:
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="states")
        yield ReleaseStore(s3, "states", "dev")


@pytest.fixture
def client(store: ReleaseStore) -> Aliases:
    """Return a client after three releases."""
    for number, functions in enumerate((FIRST, SECOND, THIRD), 1):
        commit = str(number) * 40
        store.add(release_records.made(store.releases(), functions, commit=commit))
    return Aliases(dict(THIRD), dict(THIRD))


def test_rollbacks_go_back_step_by_step_and_are_recorded(
    client: Aliases, store: ReleaseStore
) -> None:
    assert rollback(client, store).number == 2
    assert client.live == SECOND
    assert rollback(client, store).number == 1
    assert client.live == FIRST
    last = store.releases()[-1]
    assert (last.number, last.restores, last.commit) == (5, 1, "1" * 40)
    with pytest.raises(RefusedError, match="there is no release before release 5"):
        rollback(client, store)
    assert rollback(client, store, to=3).number == 3
    assert client.live == THIRD
    assert store.locks() == []


def test_a_partial_release_is_rolled_back_to_the_last_complete_one(
    client: Aliases, store: ReleaseStore
) -> None:
    client.live["users"], client.newest["users"] = "4", "4"
    assert rollback(client, store).number == 3
    assert client.live == THIRD
    client.weights["meta"] = {"1": 0.1}  # a killed canary
    assert rollback(client, store).functions == THIRD
    assert client.weights == {"users": {}, "meta": {}}


def test_a_partial_release_after_a_rollback_can_be_rolled_back_twice(
    client: Aliases, store: ReleaseStore
) -> None:
    """Check the second rollback: it must not choose release 3, from which the first one came."""
    assert rollback(client, store).number == 2
    client.live["users"], client.newest["users"] = "4", "4"
    rollback(client, store)
    assert client.live == SECOND
    assert rollback(client, store).number == 1
    assert client.live == FIRST


def test_all_functions_are_rolled_back_or_none(client: Aliases, store: ReleaseStore) -> None:
    def before(function: str, version: str) -> None:
        if (function, version) == ("meta", "1"):
            raise refused("ServiceException", "try later")

    client.before_move = before
    with pytest.raises(Exception, match="try later"):
        rollback(client, store)
    assert client.live == THIRD
    assert len(store.releases()) == 3
    assert store.locks() == []


class KilledError(BaseException):
    """The end of the process: nothing after it runs."""


@pytest.mark.parametrize("cut", ["users", "meta", "after the last move"])
def test_a_killed_rollback_is_completed_by_the_next_one(
    client: Aliases, store: ReleaseStore, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    """Check that it never returns to the release that is being rolled back."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    def before(function: str, version: str) -> None:
        if function == cut:
            raise KilledError

    client.before_move = before
    with monkeypatch.context() as dead:
        dead.setattr(live_alias, "undo", killed)  # a killed process undoes nothing
        dead.setattr(ReleaseStore, "replace", _only_growing(killed))
        if cut == "after the last move":
            dead.setattr(release, "shift", _then(release.shift, killed))
        with pytest.raises(KilledError):
            rollback(client, store)
    client.before_move = lambda function, version: None
    if cut != "after the last move":  # after the last move the rollback is complete and recorded
        rollback(client, store)
    assert client.live == SECOND
    assert store.releases()[-1].restores == 2
    assert rollback(client, store).number == 1


def _only_growing(killed: Callable[..., None]) -> Callable[[ReleaseStore, list[Release]], None]:
    real = ReleaseStore.replace

    def replace(self: ReleaseStore, releases: list[Release]) -> None:
        (real if len(releases) > len(self.releases()) else killed)(self, releases)

    return replace


def _then(real: Callable[..., None], killed: Callable[..., None]) -> Callable[..., None]:
    def both(*arguments: Any) -> None:
        real(*arguments)
        killed()

    return both


def test_a_failed_rollback_is_not_recorded(client: Aliases, store: ReleaseStore) -> None:
    def before(function: str, version: str) -> None:
        if (function, version) == ("users", "2"):
            raise refused("ServiceException", "try later")

    client.before_move = before
    recorded = store.releases()
    with pytest.raises(Exception, match="try later"):
        rollback(client, store)
    assert store.releases() == recorded


def test_a_deleted_version_is_refused_before_any_change(
    client: Aliases, store: ReleaseStore
) -> None:
    store.add(release_records.made(store.releases(), {"users": "7"}, commit="7" * 40))
    with pytest.raises(RefusedError, match=r"these versions were pruned: users 7. Nothing"):
        rollback(client, store, to=4)
    assert client.moves == []


@pytest.mark.parametrize(
    ("to", "why"), [(9, "TO=9 is not a recorded release"), (None, "no record")]
)
def test_a_release_that_cannot_be_restored_is_refused(
    store: ReleaseStore, to: int | None, why: str
) -> None:
    with pytest.raises(RefusedError, match=why):
        rollback(Aliases({}, {}), store, to)


def test_an_interrupted_shift_is_undone_and_a_second_signal_waits(
    client: Aliases, store: ReleaseStore
) -> None:
    def interrupt(function: str, version: str) -> None:
        if (function, version) == ("meta", "1"):
            client.before_move = lambda function, version: signal_once()
            raise KeyboardInterrupt

    def signal_once() -> None:
        import signal

        client.before_move = lambda function, version: None
        signal.raise_signal(signal.SIGINT)

    client.before_move = interrupt
    with pytest.raises(KeyboardInterrupt):
        rollback(client, store)
    assert client.live == THIRD
    assert store.locks() == []


def test_a_second_release_waits_for_the_first(store: ReleaseStore) -> None:
    waiting, may_end = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        with store.lock("deploy"):
            waiting.set()
            may_end.wait(60)
            order.append("first")

    thread = threading.Thread(target=first)
    thread.start()
    waiting.wait(60)

    def let_it_end(_seconds: float) -> None:
        may_end.set()
        thread.join(60)

    with stored_locks.release_lock(store.s3, "states", "dev", "deploy", sleep=let_it_end):
        order.append("second")
    assert order == ["first", "second"]


def test_a_lock_is_refused_with_its_holder_and_unlock_explains_it(
    store: ReleaseStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "ada")
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.example")
    monkeypatch.setenv("GITHUB_REPOSITORY", "example/atrium")
    monkeypatch.setenv("GITHUB_RUN_ID", "7")
    key = stored_locks.keys("dev")[stored_locks.RELEASE]
    stored_locks.take(store.s3, "states", key, stored_locks.about_us("deploy"))
    second: Any = stored_locks.release_lock(store.s3, "states", "dev", "rollback", wait=0)
    with pytest.raises(RefusedError, match=r"a release: deploy by ada .* make unlock ENV=dev"):
        second.__enter__()
    with pytest.raises(RefusedError, match="YES=1"):
        unlock(store, sure=False)
    unlock(store, sure=True)
    said = capsys.readouterr().out
    assert "https://github.example/example/atrium/actions/runs/7" in said
    assert "make rollback" in said
    assert store.locks() == []


def test_a_lock_with_a_new_holder_is_not_removed(store: ReleaseStore) -> None:
    key = stored_locks.keys("dev")[stored_locks.RELEASE]
    stored_locks.take(store.s3, "states", key, stored_locks.about_us("deploy"))
    [ours] = store.locks()
    stored_locks.remove(store.s3, "states", ours)
    stored_locks.take(store.s3, "states", key, stored_locks.about_us("rollback"))
    with pytest.raises(RefusedError, match="changed hands"):
        stored_locks.remove(store.s3, "states", ours)
    assert len(store.locks()) == 1


def test_a_run_whose_lock_was_removed_reports_its_own_outcome(
    store: ReleaseStore, capsys: pytest.CaptureFixture[str]
) -> None:
    with store.lock("deploy"):
        unlock(store, sure=True)
    with store.lock("deploy"):
        unlock(store, sure=True)
        with pytest.raises(RefusedError, match="no record"):
            rollback(Aliases({}, {}), store)
    assert store.locks() == []


def test_an_interrupted_migration_shifts_nothing_and_releases_the_lock(
    store: ReleaseStore,
) -> None:
    client = Aliases(
        {"migrate": "1", "db_credentials": "1", "users": "1"},
        {"migrate": "2", "db_credentials": "1", "users": "2"},
    )

    def invoke(folder: str, event: Any) -> Any:
        if event == {"action": "apply"}:
            raise KeyboardInterrupt
        return {}

    functions = {name: name for name in client.live}
    with pytest.raises(KeyboardInterrupt), store.lock("deploy"):
        release.prepare_database(client, functions, invoke)
    assert client.live["users"] == "1"
    assert store.locks() == []


def test_the_applied_commit_survives_a_rollback(
    client: Aliases, store: ReleaseStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Check this, because the nightly check for drift plans that commit."""
    assert deployed_commit(store) == ""
    assert "no deploy of dev is recorded yet." in capsys.readouterr().err
    store.set_applied_commit("3" * 40)
    rollback(client, store)
    assert deployed_commit(store) == "3" * 40


def test_a_re_run_of_an_old_push_is_refused(
    store: ReleaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def git(*arguments: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        command = ["git", *who, *arguments]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    commits = []
    for message in ("old", "new"):
        git("commit", "-q", "--allow-empty", "-m", message)
        commits.append(git("rev-parse", "HEAD"))
    old, new = commits
    for module in (commit_order, release_records):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    commit_order.require_not_older(store)  # nothing is deployed yet
    for deployed in (old, new, "f" * 40):  # f… stands for rewritten history
        store.set_applied_commit(deployed)
        commit_order.require_not_older(store)
    git("checkout", "-q", old)
    store.set_applied_commit(new)
    with pytest.raises(RefusedError, match=f"dev runs commit {new[:12]}, which is newer"):
        commit_order.require_not_older(store)


def test_a_record_names_the_checked_out_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    # the commit of main, while a tag is deployed by hand
    monkeypatch.setenv("GITHUB_SHA", "e" * 40)
    found = release_records.commit()
    assert len(found) == 40
    assert found != "e" * 40
