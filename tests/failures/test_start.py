"""Faults that keep a stack from starting.

The output names each fault, no process stays behind, and the next `make up` works.
"""

import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from local_aws.database import binaries
from local_aws.supervisor import process
from local_aws.supervisor import ready as supervisor
from tests.failures.conftest import Recovers, Tell, kept, own_mounts
from tests.failures.stack import ROOT, Stack, listening
from tools.laptop.client import Client, Person

STARTED = r"✓ local AWS .*(started|restored)"
MOUNTS = own_mounts()
mounts = pytest.mark.skipif(
    MOUNTS is None, reason="needs mounts of its own: run `sudo make failure-matrix` on Linux"
)


def test_a_port_is_taken(stack: Stack, recovers: Recovers, tell: Tell) -> None:
    stack.make("down")
    with listening(stack.settings.aws_port):
        refused = stack.make("up")
    assert refused.code == 2
    assert f"Port {stack.settings.aws_port} on 127.0.0.1 is taken." in refused.message
    assert "AWS_PORT=" in refused.message
    assert not stack.strays()
    tell("a port is taken", refused.message, recovers())


def test_other_ports_than_it_runs_on(stack: Stack, recovers: Recovers, tell: Tell) -> None:
    stack.be_up()
    refused = stack.make("up", API_PORT="1", AWS_PORT="2")
    assert refused.code == 2
    assert (
        f"is already running on API_PORT={stack.settings.api_port} AWS_PORT={stack.settings.aws_port}"
        in refused.message
    )
    tell("other ports than it runs on", refused.message, recovers())


def test_the_local_aws_is_of_another_source(
    stack: Stack, client: Client, member: Person, recovers: Recovers, tell: Tell
) -> None:
    """After a `git pull`, for example."""
    stack.be_up()
    before, file = stack.supervisor, stack.state / "supervisor.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"source": "another"}))
    ended = stack.up()
    assert "restarted" in ended.output
    assert stack.supervisor != before
    kept(client, member)
    tell("the checkout changed under a running stack", "✓ local AWS … restarted", recovers())


def test_a_second_make_up_while_one_runs(
    stack: Stack, client: Client, member: Person, tell: Tell
) -> None:
    stack.make("down")
    first = stack.start("up")
    first.until("✓ build")
    holder = stack.lock_holder
    os.kill(holder, signal.SIGSTOP)  # else it may be through before the others are tried
    try:
        for command in ("up", "down", "reset"):
            refused = stack.make(command)
            assert refused.code == 2
            assert f"`make up` (pid {holder})" in refused.message
            assert "Wait for it, or stop it" in refused.message
    finally:
        os.kill(holder, signal.SIGCONT)
    assert first.end().code == 0
    kept(client, member)
    tell(
        "a second `make up` (or down, reset) while one runs",
        refused.message,
        "the first one went on and worked",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_postgres_refuses_root(stack: Stack) -> None:
    """So it runs as nobody, and there is nothing to tell."""
    assert Path(f"/proc/{stack.postmaster()}").stat().st_uid != 0


@mounts
def test_postgres_does_not_run_on_this_system(
    stack: Stack, recovers: Recovers, tell: Tell, tmp_path: Path
) -> None:
    """An old glibc: the pinned Postgres says so when it is run, and there is no other."""
    pinned = next(binaries.cache_folder().glob("postgresql-*"))
    fake = tmp_path / pinned.name / "bin"
    fake.mkdir(parents=True)
    for name in ("postgres", "initdb"):
        (fake / name).write_text(
            "#!/bin/sh\necho \"libc.so.6: version 'GLIBC_2.34' not found\" >&2; exit 1\n"
        )
        (fake / name).chmod(0o755)
    hide = f"mount --bind {tmp_path} {binaries.cache_folder()}; "
    hide += (
        'if [ -d /usr/lib/postgresql ]; then mount -t tmpfs none /usr/lib/postgresql; fi; exec "$@"'
    )
    stack.make("down")
    refused = stack.make("up", before=(*(MOUNTS or ()), "sh", "-c", hide, "sh"))
    assert refused.code == 2
    assert "No Postgres to run:" in refused.message
    assert "glibc 2.34" in refused.message
    assert "Install Postgres 15 or later" in refused.message
    assert not stack.strays()
    tell("Postgres cannot start: old glibc", refused.message, recovers())


@mounts
def test_the_disk_is_full(stack: Stack, recovers: Recovers, tell: Tell) -> None:
    """The state folder lies on a disk too small for a database, which then grows."""
    small = Stack.of(
        f"{stack.settings.state_name}-small", (stack.settings.api_port, stack.settings.aws_port)
    )
    small.state.mkdir(exist_ok=True)
    stack.make("down")
    script = (
        f"mount -t tmpfs -o size=8m none {small.state}; make --no-print-directory up; "
        f"mount -o remount,size=500m {small.state}; exec make --no-print-directory up"
    )
    try:
        both = small.start("up", before=(*(MOUNTS or ()), "sh", "-c", script))
        both.until("up: ")
        both.until(STARTED)
        both.until("terraform init")
        ended = both.interrupt()
        assert "Free disk space for the stack's folder and try again." in ended.output
        told = ended.output[ended.output.index("up: ") : ended.output.index("make: ***")]
    finally:
        _end_processes(small)
        shutil.rmtree(small.state, ignore_errors=True)
    recovers()
    tell("Postgres cannot start: disk full", told, "worked as soon as there was room")


def _end_processes(stack: Stack) -> None:
    for pid in stack.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert not stack.strays()


def test_no_room_for_a_snapshot(
    stack: Stack, client: Client, recovers: Recovers, tell: Tell
) -> None:
    """What the journal has needs none, so `make down` forgets nothing. A resource that needs one is not acknowledged."""
    stack.be_up()
    part = stack.state / "control-plane.part"
    person = client.sign_up()
    found = supervisor.running(stack.settings)
    assert found
    process.save(stack.settings, found)  # so that none is under way
    part.symlink_to("/dev/full")
    try:
        client.confirm(person)
        with pytest.raises(ClientError, match="not on disk"):
            client.aws("sns").create_topic(Name="no-room")
        client.sign_in(person)  # it runs on
        stopped = stack.make("down")
    finally:
        part.unlink(missing_ok=True)
    assert stopped.code == 0, stopped.output
    tell("no room for a snapshot at `make down`", stopped.message, recovers())
    client.sign_in(person)


def test_no_python_3_13(tell: Tell, tmp_path: Path) -> None:
    """In a checkout without an environment, on a machine that has another Python only and cannot download one."""
    for part in ("packages", "requirements", "tools", "Makefile"):
        copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy2
        copy(ROOT / part, tmp_path / part)
    (tmp_path / "bin").mkdir()
    for tool in ("bash", "awk", "env"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    other = tmp_path / "bin" / "python3.12"
    other.write_text('#!/bin/sh\ncase "$*" in *version_info*) echo 3.12;; *) exit 1;; esac\n')
    other.chmod(0o755)
    machine = {
        "PATH": f"{tmp_path / 'bin'}",
        "HOME": str(tmp_path),
        "PYENV_ROOT": str(tmp_path / "pyenv"),
        "UV_PYTHON_INSTALL_DIR": str(tmp_path / "pythons"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV": str(ROOT / ".venv/bin/uv"),
        "PYTHON3": sys.executable,
    }
    make = [shutil.which("make") or "make", "environment"]
    done = subprocess.run(make, cwd=tmp_path, env=machine, capture_output=True, text=True)
    assert done.returncode == 2
    assert "Python 3.13 was not found on PATH, in pyenv or by uv" in done.stderr
    assert "UV_PYTHON=/path/to/python3.13 make up" in done.stderr
    base = Path(sys._base_executable)  # type: ignore[attr-defined]
    again = subprocess.run(
        make,
        cwd=tmp_path,
        env={**os.environ, **machine, "UV_PYTHON": str(base)},
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    said = done.stderr[done.stderr.index("bootstrap: ") :].split("make: ***")[0]
    tell("no Python 3.13", said, f"worked: {again.stderr.splitlines()[-1]}")


def test_a_resource_changed_by_hand(
    stack: Stack, client: Client, recovers: Recovers, tell: Tell
) -> None:
    """`make up` asks Terraform only when it has to; this is when."""
    stack.be_up()
    assert "nothing has changed since the last apply" in stack.up().output
    stack.change_a_resource(client)
    assert "1 resources changed" in stack.up().output
    assert "nothing has changed since the last apply" in stack.up().output
    tell("a resource is changed by hand", "nothing", recovers())


def test_no_provider_and_no_registry(
    stack: Stack, recovers: Recovers, tell: Tell, tmp_path: Path
) -> None:
    """A CLI configuration without a mirror, and a proxy where nobody listens."""
    config = tmp_path / "terraform.rc"
    config.write_text("provider_installation {\n  direct {}\n}\n")
    shutil.rmtree(stack.state / "terraform" / "envs" / "dev" / ".terraform")
    refused = stack.make("up", TF_CLI_CONFIG_FILE=str(config), HTTPS_PROXY="http://127.0.0.1:9")
    assert refused.code == 2
    assert "registry.terraform.io cannot be reached" in refused.message
    assert "TF_PLUGIN_MIRROR=FOLDER make up" in refused.message
    tell(
        "no provider and no registry",
        refused.message[refused.message.index("The aws provider") :],
        recovers(),
    )


def test_the_snapshot_cannot_be_loaded(
    stack: Stack, recovers: Recovers, tell: Tell, tmp_path: Path
) -> None:
    """The stack starts afresh, says so and keeps what it set aside; putting that back is all it takes to have it again."""
    stack.make("down")
    whole = tmp_path / "state"
    shutil.copytree(
        stack.state, whole, symlinks=True, ignore=shutil.ignore_patterns("postgres", "run")
    )
    content = (stack.state / "control-plane.snapshot").read_bytes()
    other = gzip.decompress(content).replace(b"atrium-1 moto-5.", b"atrium-1 moto-4.")
    _starts_afresh(stack, gzip.compress(other, 1), "is of another moto", tell)
    _put_back(stack, whole)
    _starts_afresh(stack, content[:100_000], "is cut short", tell)
    _put_back(stack, whole)
    recovers()


def _starts_afresh(stack: Stack, content: bytes, damage: str, tell: Tell) -> None:
    (stack.state / "control-plane.snapshot").write_bytes(content)
    command = stack.start("up")
    notice = command.until("Starting afresh:")
    assert "The old one is kept as control-plane.snapshot." in notice
    assert "The database is kept as postgres." in notice
    command.until("✓ terraform init")
    assert command.interrupt().code in (-2, 2, 130)
    stack.make("down")
    tell(f"the snapshot {damage}", notice, "starts afresh; goes on with the old files put back")


def _put_back(stack: Stack, whole: Path) -> None:
    """The database that was set aside, and every other file as it was."""
    database = next(folder for folder in stack.state.glob("postgres.*") if folder.is_dir())
    shutil.rmtree(stack.state / "postgres")
    database.rename(stack.state / "postgres")
    for name in ("control-plane.snapshot", "items.sqlite", "ports.json", "outputs.json"):
        shutil.copy2(whole / name, stack.state / name)
    for name in ("control-plane.snapshot", "items.sqlite"):
        for old in stack.state.glob(f"{name}.*"):
            old.unlink()
