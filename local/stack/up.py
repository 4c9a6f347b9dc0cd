"""`make up`: build, start, apply, migrate, seed, check. Each phase shows its time; a failed one says why and how to go on."""

import json
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any

from local.settings import LOOPBACK, Settings
from local.stack import aws, outputs, process, seed
from local.stack.outputs import Outputs
from local.stack.process import Running, StackError
from local.stack.progress import Phase, phase
from local.terraform.scratch import ScratchRoot

ENVIRONMENT = "dev"
HEALTHY_SECONDS = 30


def up(settings: Settings) -> Outputs:
    """Brings the stack to what the checkout says; on a running one only what changed."""
    settings.state.mkdir(parents=True, exist_ok=True)
    with phase("build") as current:
        current.detail = build(settings)
    with phase("local AWS") as current:
        running = process.running(settings)
        fresh = running is None
        running = running or process.start(settings)
        current.detail = _described(running, fresh)
    if fresh and running.notice:
        print(f"    {running.notice}", file=sys.stderr)
    root = ScratchRoot(settings, ENVIRONMENT)
    if fresh and not running.restored:  # an empty control plane: a state of an earlier one would describe nothing
        root.state_file.unlink(missing_ok=True)
    with phase("terraform init"):
        root.write()
        root.init()
    with phase("terraform apply") as current:
        apply(root, current)
        found = root.outputs()
    with phase("release") as current:
        current.detail = release(settings, found)
    inbox_url = f"{settings.aws_endpoint_url}/_atrium/inbox"
    with phase("admin") as current:
        password = seed.seed_admin(settings, found, inbox_url, _earlier_password(settings))
        current.detail = seed.ADMIN_EMAIL
    written = _write_outputs(settings, running, found, password, inbox_url)
    with phase("health") as current:
        process.wait_for(f"{settings.api_url}/v1/health", HEALTHY_SECONDS)
        current.detail = f"{settings.api_url}/v1/health"
    with phase("snapshot") as current:
        size = process.post_json(f"{settings.aws_endpoint_url}/_atrium/snapshot")["bytes"]
        current.detail = f"{size / 1e6:.1f} MB: `make down` and a later `make up` go on from here"
    return written


def _described(running: Running, fresh: bool) -> str:
    start = "already running" if not fresh else "restored" if running.restored else "started"
    pooling = "PgBouncer" if running.pooling == "pgbouncer" else "no PgBouncer: each function keeps its own session"
    return f"{start}, Postgres {running.postgres_version}, {pooling}"


def build(settings: Settings) -> str:
    """Runs the builder; its last line sums up."""
    done = subprocess.run(
        [sys.executable, "-m", "builder", "--local"], cwd=settings.root, capture_output=True, text=True
    )
    if done.returncode:
        raise StackError((done.stderr or done.stdout).strip())
    lines = (done.stdout or done.stderr).strip().splitlines()
    return lines[-1].strip() if lines else ""


def apply(root: ScratchRoot, current: Phase) -> None:
    """Counts resources as they are made. RDS alone makes the provider wait 80 s, whatever the endpoint answers."""
    totals = {"planned": 0, "done": 0}
    waiting: dict[str, float] = {}

    def on_event(event: dict[str, Any]) -> None:
        kind, hook = event.get("type"), event.get("hook", {})
        if hook.get("action") == "read":  # a data source: nothing is changed by it
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
            current.detail = f"{totals['done']}/{totals['planned']} resources" + _waiting_for(waiting)
        elif kind == "planned_change":
            current.detail = f"planning, {totals['planned']} changes"

    current.detail = "planning"
    root.apply(on_event)
    current.detail = f"{totals['done']} resources changed" if totals["done"] else "nothing to change"


def _waiting_for(waiting: dict[str, float]) -> str:
    if not waiting:
        return ""
    oldest = min(waiting, key=lambda address: waiting[address])
    return f", waiting for {oldest.removeprefix('module.')}"


def release(settings: Settings, found: dict[str, Any]) -> str:
    """What a deployment does after Terraform: shift the aliases, bootstrap and fill the database users, migrate."""
    lambda_client = aws.client("lambda", settings, found["region"])
    functions: dict[str, str] = found["functions"]
    for function in functions.values():
        aws.shift_live(lambda_client, function)
    aws.invoke(lambda_client, functions["migrate"], {"action": "bootstrap"})
    aws.invoke(lambda_client, functions["db_credentials"], {"only_missing": True})
    applied = aws.invoke(lambda_client, functions["migrate"], {"action": "apply"})
    return f"{len(applied['applied'])} migrations applied"


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
    """The app role's own password, from the secret that `db_credentials` filled."""
    secrets = aws.client("secretsmanager", settings, found["region"])
    secret = json.loads(secrets.get_secret_value(SecretId=found["database_user_secrets"]["app"])["SecretString"])
    return f"postgresql://app:{secret['password']}@{LOOPBACK}:{running.postgres_port}/{found['database_name']}"
