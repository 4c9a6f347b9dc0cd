"""Bring the local AWS up: find the running one, replace an outdated one, or start one."""

from dataclasses import replace

from local_aws.settings import Settings
from local_aws.supervisor import process, ready
from local_aws.supervisor.process import Launch
from local_aws.supervisor.progress import Phase
from local_aws.supervisor.ready import Running, StackError
from local_aws.terraform.record import Record


def bring_up(settings: Settings, record: Record, launch: Launch, current: Phase) -> Running:
    """Return the running local AWS, or start one.

    Replace one that was started from other source code.

    The caller holds the lock of the state folder.
    """
    if record.apply_cut_off:  # the caller holds the lock, so no apply is running
        record.end_leftover()
        process.stop(settings)
    found = ready.running(settings)
    if found:
        _require_ports(settings, found)
        if found.source == launch.source:
            current.detail = _described(found, "already running")
            return replace(found, notice="")
        current.detail = "its source has changed since its start, so it is restarted"
        process.stop(settings)
    started = process.start(settings, launch)
    current.detail = _described(
        started, "restarted" if found else "restored" if started.restored else "started"
    )
    return started


def _require_ports(settings: Settings, found: Running) -> None:
    if (found.api_port, found.aws_port) != (settings.api_port, settings.aws_port):
        program = settings.program
        raise StackError(
            f"The stack in {settings.state_name} is already running on API_PORT={found.api_port} AWS_PORT={found.aws_port}. Use"
            f" these ports, or run `{program.name} down` first.\n  To start a second stack: {program.variables}_STATE={settings.state_name}-two"
            f" API_PORT={settings.api_port} AWS_PORT={settings.aws_port} {program.name} up"
        )


def _described(running: Running, start: str) -> str:
    pooling = (
        "PgBouncer"
        if running.pooling == "pgbouncer"
        else "no PgBouncer, so each function keeps its own session"
    )
    return f"{start}, Postgres {running.postgres_version}, {pooling}"
