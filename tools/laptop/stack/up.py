"""`make up`: build, start, apply, migrate, seed and check, with the time of each phase."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import movable_clock, process
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.lock import locked
from local_aws.supervisor.process import Launch
from local_aws.supervisor.progress import Phase, phase
from local_aws.supervisor.ready import Running, StackError
from local_aws.terraform.command import TerraformCommand
from tools.bootstrap import RUNTIME
from tools.deploy import stack_outputs as outputs
from tools.deploy.stack_outputs import Outputs
from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot
from tools.laptop.dev.hot_reload import HotReload
from tools.laptop.stack import aws, seed, source

HEALTHY_SECONDS = 120
GLOBAL_REGION = "us-east-1"  # IAM's


def up(settings: Settings) -> Outputs:
    """Bring the stack up to date with the checkout; on a running stack, apply only the changes.

    Raises:
        StackError, TerraformError, TerraformMissingError: A phase failed; the message says what to do.
    """
    with locked(settings, "up"):
        return _up(settings)


def _up(settings: Settings) -> Outputs:
    with phase("build") as current:
        current.detail = build(settings)
    with phase("local AWS") as current:
        root = ScratchRoot(settings, ENVIRONMENT)
        running = start(settings, root, current)
    if running.notice:
        print(f"    {running.notice}", file=sys.stderr)
    try:
        return _deploy(settings, running, root)
    except Exception as error:
        if (told := _explained(error, running, settings)) is None:
            raise
        raise told from error


def start(settings: Settings, root: ScratchRoot, current: Phase) -> Running:
    """Return the running local AWS, or start one; replace one of an older source."""
    if root.record.apply_cut_off:  # we hold the lock, so no apply is running
        root.record.end_leftover()
        process.stop(settings)
    found = supervisor.running(settings)
    if found:
        _require_ports(settings, found)
        if found.source == source.digest(settings.root):
            current.detail = _described(found, "already running")
            return replace(found, notice="")
        current.detail = "its source has changed since its start, so it is restarted"
        process.stop(settings)
    launch = Launch(RUNTIME, source.digest(settings.root), movable_clock.is_wanted(settings))
    started = process.start(settings, launch)
    current.detail = _described(
        started, "restarted" if found else "restored" if started.restored else "started"
    )
    return started


def _require_ports(settings: Settings, found: Running) -> None:
    if (found.api_port, found.aws_port) != (settings.api_port, settings.aws_port):
        raise StackError(
            f"The stack in {settings.state_name} is already running on API_PORT={found.api_port} AWS_PORT={found.aws_port}. Use"
            f" these ports, or run `make down` first.\n  To start a second stack: ATRIUM_STATE=.local-two API_PORT={settings.api_port}"
            f" AWS_PORT={settings.aws_port} make up"
        )


def _deploy(settings: Settings, running: Running, root: ScratchRoot) -> Outputs:
    with phase("terraform init"):
        root.write()
        root.init()
    inputs = root.inputs()  # before the apply: files saved during it must cause another one
    with phase("terraform apply") as current:
        applies = process.applied(running) != f"{inputs}-{root.record.digest()}"
        changed = apply(root, current, running) if applies else 0
        if not applies:
            current.detail = "nothing has changed since the last apply"
        found = root.outputs()
    with phase("release") as current:
        current.detail = release(settings, found)
        if applies:
            process.set_applied(running, f"{inputs}-{root.record.digest()}")
    inbox_url = f"{settings.aws_endpoint_url}/_local/inbox"
    with phase("admin") as current:
        password = seed.seed_admin(settings, found, inbox_url, _earlier_password(settings))
        current.detail = seed.ADMIN_EMAIL
    written = _write_outputs(settings, running, found, password, inbox_url)
    with phase("health") as current:
        process.wait_for(settings, f"{settings.api_url}/v1/health", HEALTHY_SECONDS)
        current.detail = f"{settings.api_url}/v1/health"
    if changed:  # otherwise the supervisor soon writes a snapshot by itself
        with phase("snapshot") as current:
            size = process.save(settings, running)["bytes"]
            current.detail = f"{size / 1e6:.1f} MB; a later `make up` continues from here"
    return written


def _explained(error: Exception, running: Running, settings: Settings) -> StackError | None:
    """Return a clearer error if the local AWS ended or refused a call; None if `error` is clear."""
    if supervisor.is_alive(running.pid):
        refused = type(error).__module__.startswith("botocore.")
        return (
            StackError(f"The local AWS said: {error}\n  `make logs SERVICE=aws` shows more.")
            if refused
            else None
        )
    return StackError(
        f"The local AWS (pid {running.pid}) ended unexpectedly, perhaps killed. Its log: {settings.logs / 'supervisor.log'}"
        "\n  `make up` starts it again from its last snapshot."
    )


def _described(running: Running, start: str) -> str:
    pooling = (
        "PgBouncer"
        if running.pooling == "pgbouncer"
        else "no PgBouncer, so each function keeps its own session"
    )
    return f"{start}, Postgres {running.postgres_version}, {pooling}"


def build(settings: Settings) -> str:
    """Run the builder and return its last line, the summary."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.build", "--local"],
        cwd=settings.root,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise StackError((done.stderr or done.stdout).strip())
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1].strip() if lines else ""


def apply(root: ScratchRoot, current: Phase, running: Running) -> int:
    """Apply, and return the number of changed resources. The provider always waits 80 s for RDS."""
    totals = {"planned": 0, "done": 0}
    waiting: dict[str, float] = {}

    def on_event(event: dict[str, Any]) -> None:
        kind, hook = event.get("type"), event.get("hook", {})
        if kind == "interrupted":
            current.detail = (
                "interrupted: Terraform finishes the running operations (Ctrl-C again kills it)"
            )
            totals["interrupted"] = 1
        if "interrupted" in totals:
            return
        if hook.get("action") == "read":  # a data source changes nothing
            return
        resource = hook.get("resource", {}).get("addr", "")
        if kind == "planned_change":
            totals["planned"] += 1
        elif kind == "apply_start":
            waiting[resource] = time.monotonic()
        elif kind in ("apply_complete", "apply_errored"):
            waiting.pop(resource, None)
            totals["done"] += kind == "apply_complete"
        if kind == "apply_start" or kind == "apply_complete":
            current.detail = f"{totals['done']}/{totals['planned']} resources" + _waiting_for(
                waiting
            )
        elif kind == "planned_change":
            current.detail = f"planning, {totals['planned']} changes"

    current.detail = "planning"
    _prepare_account(root.settings)
    process.save(root.settings, running)  # the state that an interrupted apply is reset to
    over = threading.Event()
    try:
        root.apply(on_event, lambda command: _watch(command, running, over))
    finally:
        over.set()
    changed = f"{totals['done']} resources changed" if totals["done"] else "nothing to change"
    current.detail = f"{changed}; {process.request_model(running)}"
    return totals["done"]


def _prepare_account(settings: Settings) -> None:
    """Create the account's prerequisites, as `make bootstrap` does on AWS."""
    from tools.deploy import service_linked_roles  # late: it brings boto3

    service_linked_roles.make_missing(aws.client("iam", settings, GLOBAL_REGION))


def _watch(command: TerraformCommand, running: Running, over: threading.Event) -> None:
    """Kill Terraform if the local AWS ends, since it would retry for minutes."""

    def watch() -> None:
        while not over.wait(0.5):
            if not supervisor.is_alive(running.pid):
                command.kill()
                return

    threading.Thread(target=watch, daemon=True).start()


def _waiting_for(waiting: dict[str, float]) -> str:
    if not waiting:
        return ""
    oldest = min(waiting, key=lambda address: waiting[address])
    return f", waiting for {oldest.removeprefix('module.')}"


def release(settings: Settings, found: dict[str, Any]) -> str:
    """Release as a deployment does after Terraform: shift aliases, prepare database users, migrate."""
    from tools.deploy import (  # late: boto3 takes half a second, which overlaps with other work here
        items,
        live_alias,
        proxy_target,
    )
    from tools.deploy.release import prepare_database

    lambda_client = aws.client("lambda", settings, found["region"])
    functions: dict[str, str] = found["functions"]
    for shift in live_alias.pending(lambda_client, functions.values()):
        live_alias.finish(lambda_client, shift)
    _release_as_built(settings, functions, lambda_client)
    proxy_target.wait_until_available(
        aws.client("rds", settings, found["region"]), found["proxy_endpoint"], lambda _: None
    )

    def invoke(folder: str, event: Mapping[str, Any]) -> Any:
        return aws.invoke(lambda_client, functions[folder], dict(event))

    applied = prepare_database(lambda_client, functions, invoke)
    if invoke("migrate", {"action": "prepare_items"})["layout"] != "keyed":
        items.finish(lambda event: invoke("migrate", event), report=lambda _: None)
    return f"{len(applied)} migrations applied"


def _release_as_built(settings: Settings, functions: dict[str, str], lambda_client: Any) -> None:
    """Release functions whose code differs from `build/`, which Terraform does not see after `make dev`."""
    hot_reload = HotReload(settings.root, functions, lambda_client, settings.aws_endpoint_url)
    for function, refused in hot_reload.release():
        if refused:
            raise StackError(
                f"{function} does not start:\n" + "\n".join(f"    {line}" for line in refused)
            )


def _earlier_password(settings: Settings) -> str | None:
    with suppress(StackError):
        return outputs.read(settings).admin_password
    return None


def _write_outputs(
    settings: Settings, running: Running, found: dict[str, Any], password: str, inbox_url: str
) -> Outputs:
    written = Outputs(
        api_url=settings.api_url,
        aws_endpoint_url=settings.aws_endpoint_url,
        region=found["region"],
        user_pool_id=found["user_pool_id"],
        user_pool_client_id=found["user_pool_client_id"],
        user_attributes_table=found["user_attributes_table"],
        database_url=_database_url(settings, running, found),
        proxy_host=found["proxy_endpoint"],
        proxy_port=int(found["proxy_port"]),
        admin_email=seed.ADMIN_EMAIL,
        admin_password=password,
        inbox_url=inbox_url,
        functions=found["functions"],
    )
    outputs.write(settings, written)
    return written


def _database_url(settings: Settings, running: Running, found: dict[str, Any]) -> str:
    """Return the URL of Postgres with the app role's password, from its secret."""
    secrets = aws.client("secretsmanager", settings, found["region"])
    secret = json.loads(
        secrets.get_secret_value(SecretId=found["database_user_secrets"]["app"])["SecretString"]
    )
    return f"postgresql://app:{secret['password']}@{LOOPBACK}:{running.postgres_port}/{found['database_name']}"
