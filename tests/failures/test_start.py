"""Faults that prevent a stack from starting.

The output names each fault, no process remains, and the next `make up` works.
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
from tests.failures.conftest import AddRow, Recovers, kept, own_mounts
from tests.failures.stack import ROOT, Stack, listening
from tools.laptop.client import Client, Person

STARTED = r"✓ local AWS .*(started|restored)"
MOUNTS = own_mounts()
mounts = pytest.mark.skipif(
    MOUNTS is None, reason="needs mounts of its own: run `sudo make failure-matrix` on Linux"
)


def test_a_port_in_use_is_reported(stack: Stack, recovers: Recovers, add_row: AddRow) -> None:
    stack.make("down")
    with listening(stack.settings.aws_port):
        refused = stack.make("up")
    assert refused.code == 2
    assert f"Port {stack.settings.aws_port} on 127.0.0.1 is taken." in refused.message
    assert "AWS_PORT=" in refused.message
    assert not stack.strays()
    add_row("a port is taken", refused.message, recovers())


def test_ports_other_than_those_of_the_running_stack_are_refused(
    stack: Stack, recovers: Recovers, add_row: AddRow
) -> None:
    stack.be_up()
    refused = stack.make("up", API_PORT="1", AWS_PORT="2")
    assert refused.code == 2
    assert (
        f"is already running on API_PORT={stack.settings.api_port} AWS_PORT={stack.settings.aws_port}"
        in refused.message
    )
    add_row("other ports than it runs on", refused.message, recovers())


def test_a_local_aws_of_another_version_is_restarted(
    stack: Stack, client: Client, member: Person, recovers: Recovers, add_row: AddRow
) -> None:
    """Change the source as a `git pull` does."""
    stack.be_up()
    before, file = stack.supervisor, stack.state / "supervisor.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"source": "another"}))
    ended = stack.up()
    assert "restarted" in ended.output
    assert stack.supervisor != before
    kept(client, member)
    add_row("the checkout changed under a running stack", "✓ local AWS … restarted", recovers())


def test_a_second_concurrent_make_up_is_refused(
    stack: Stack, client: Client, member: Person, add_row: AddRow
) -> None:
    stack.make("down")
    first = stack.start("up")
    first.until("✓ build")
    holder = stack.lock_holder
    os.kill(holder, signal.SIGSTOP)  # stopped, because it could end before the others start
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
    add_row(
        "a second `make up` (or down, reset) while one runs",
        refused.message,
        "the first one went on and worked",
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="is about root")
def test_as_root_postgres_runs_as_nobody(stack: Stack) -> None:
    """Check that no message is needed."""
    assert Path(f"/proc/{stack.postmaster()}").stat().st_uid != 0


@mounts
def test_a_postgres_that_cannot_run_here_is_reported(
    stack: Stack, recovers: Recovers, add_row: AddRow, tmp_path: Path
) -> None:
    """Simulate an old glibc: the pinned Postgres fails, and there is no other one."""
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
    add_row("Postgres cannot start: old glibc", refused.message, recovers())


@mounts
def test_a_full_disk_is_reported(stack: Stack, recovers: Recovers, add_row: AddRow) -> None:
    """Put the state folder on a disk that is too small for a database, and enlarge it later."""
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
    add_row("Postgres cannot start: disk full", told, "worked as soon as there was room")


def _end_processes(stack: Stack) -> None:
    for pid in stack.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    assert not stack.strays()


def test_a_full_disk_at_the_snapshot_loses_no_acknowledged_write(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    """Check `make down`: the journal needs no space, and a resource that needs a snapshot is not
    acknowledged.
    """
    stack.be_up()
    part = stack.state / "control-plane.part"
    person = client.sign_up()
    found = supervisor.running(stack.settings)
    assert found
    process.save(stack.settings, found)  # so that no snapshot is being written
    part.symlink_to("/dev/full")
    try:
        client.confirm(person)
        with pytest.raises(ClientError, match="not on disk"):
            client.aws("sns").create_topic(Name="no-room")
        client.sign_in(person)  # the stack continues to run
        stopped = stack.make("down")
    finally:
        part.unlink(missing_ok=True)
    assert stopped.code == 0, stopped.output
    add_row("no room for a snapshot at `make down`", stopped.message, recovers())
    client.sign_in(person)


def test_a_missing_python_3_13_is_reported(add_row: AddRow, tmp_path: Path) -> None:
    """Use a checkout without an environment, on a machine with another Python and without
    downloads.
    """
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
    add_row("no Python 3.13", said, f"worked: {again.stderr.splitlines()[-1]}")


def test_a_manually_changed_resource_is_restored(
    stack: Stack, client: Client, recovers: Recovers, add_row: AddRow
) -> None:
    """Check that `make up` runs Terraform, which it does only when necessary."""
    stack.be_up()
    assert "nothing has changed since the last apply" in stack.up().output
    stack.change_a_resource(client)
    assert "1 resources changed" in stack.up().output
    assert "nothing has changed since the last apply" in stack.up().output
    add_row("a resource is changed by hand", "nothing", recovers())


def test_a_missing_provider_and_registry_are_reported(
    stack: Stack, recovers: Recovers, add_row: AddRow, tmp_path: Path
) -> None:
    """Use a CLI configuration without a mirror, and a proxy that does not answer."""
    config = tmp_path / "terraform.rc"
    config.write_text("provider_installation {\n  direct {}\n}\n")
    shutil.rmtree(stack.state / "terraform" / "envs" / "dev" / ".terraform")
    refused = stack.make("up", TF_CLI_CONFIG_FILE=str(config), HTTPS_PROXY="http://127.0.0.1:9")
    assert refused.code == 2
    assert "registry.terraform.io cannot be reached" in refused.message
    assert "TF_PLUGIN_MIRROR=FOLDER make up" in refused.message
    add_row(
        "no provider and no registry",
        refused.message[refused.message.index("The aws provider") :],
        recovers(),
    )


def test_an_unreadable_snapshot_is_kept_and_the_stack_starts_empty(
    stack: Stack, recovers: Recovers, add_row: AddRow, tmp_path: Path
) -> None:
    """Check that the message names the kept files, and that moving them back restores the stack."""
    stack.make("down")
    whole = tmp_path / "state"
    shutil.copytree(
        stack.state, whole, symlinks=True, ignore=shutil.ignore_patterns("postgres", "run")
    )
    content = (stack.state / "control-plane.snapshot").read_bytes()
    other = gzip.decompress(content).replace(b"atrium-1 moto-5.", b"atrium-1 moto-4.")
    _starts_afresh(stack, gzip.compress(other, 1), "is of another moto", add_row)
    _put_back(stack, whole)
    _starts_afresh(stack, content[:100_000], "is cut short", add_row)
    _put_back(stack, whole)
    recovers()


def _starts_afresh(stack: Stack, content: bytes, damage: str, add_row: AddRow) -> None:
    (stack.state / "control-plane.snapshot").write_bytes(content)
    command = stack.start("up")
    notice = command.until("Starting afresh:")
    assert "The old one is kept as control-plane.snapshot." in notice
    assert "The database is kept as postgres." in notice
    command.until("✓ terraform init")
    assert command.interrupt().code in (-2, 2, 130)
    stack.make("down")
    add_row(f"the snapshot {damage}", notice, "starts afresh; goes on with the old files put back")


def _put_back(stack: Stack, whole: Path) -> None:
    """Move back the database and all other files."""
    database = next(folder for folder in stack.state.glob("postgres.*") if folder.is_dir())
    shutil.rmtree(stack.state / "postgres")
    database.rename(stack.state / "postgres")
    for name in ("control-plane.snapshot", "items.sqlite", "ports.json", "outputs.json"):
        shutil.copy2(whole / name, stack.state / name)
    for name in ("control-plane.snapshot", "items.sqlite"):
        for old in stack.state.glob(f"{name}.*"):
            old.unlink()
