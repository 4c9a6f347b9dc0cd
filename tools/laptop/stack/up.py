"""`make up`: build, start, apply, migrate, seed and check, with the time of each phase."""

import json
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from local_aws.api_gateway.static_pages import StaticPages
from local_aws.console.panel import Panel
from local_aws.settings import LOOPBACK, Settings
from local_aws.supervisor import applying, movable_clock, process, source
from local_aws.supervisor import ready as supervisor
from local_aws.supervisor.bring_up import bring_up
from local_aws.supervisor.lock import locked
from local_aws.supervisor.process import Launch
from local_aws.supervisor.progress import Phase, phase
from local_aws.supervisor.ready import Running, StackError
from tools.bootstrap import RUNTIME
from tools.deploy import stack_outputs as outputs
from tools.deploy.stack_outputs import Outputs
from tools.deploy.terraform.scratch import ENVIRONMENT, ScratchRoot
from tools.laptop.dev.hot_reload import HotReload
from tools.laptop.stack import aws, code, seed

HEALTHY_SECONDS = 120
_CONSOLE = Path(__file__).parents[1] / "console"
PANELS = (Panel("users", "Users", _CONSOLE), Panel("decisions", "Decisions", _CONSOLE))
GLOBAL_REGION = "us-east-1"  # the region of IAM


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
        running = bring_up(settings, root.record, _launch(settings), current)
    if running.notice:
        print(f"    {running.notice}", file=sys.stderr)
    try:
        return _deploy(settings, running, root)
    except Exception as error:
        if (explained := _explained(error, running, settings)) is None:
            raise
        raise explained from error


def _launch(settings: Settings) -> Launch:
    requirements = settings.root / "requirements"
    current = source.digest([requirements / "dev.txt", requirements / "runtime.txt"])
    pages = tuple(
        StaticPages(path, settings.root / folder, f"Not built yet. Run `make {target}`.")
        for path, folder, target in (
            ("/docs", "site", "docs-site"),
            ("/console", "examples/web/dist", "console"),
        )
    )
    return Launch(RUNTIME, current, movable_clock.is_wanted(settings), pages, PANELS)


def _deploy(settings: Settings, running: Running, root: ScratchRoot) -> Outputs:
    with phase("terraform init"):
        root.write()
        root.init()
    # Computed before the apply: files that are saved during it must cause another one.
    inputs = root.inputs()
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
    """Prepare the account and apply; return the number of changed resources."""
    _prepare_account(root.settings)
    code.upload(root.settings)
    changed = applying.apply(root, current, running)
    current.detail += f"; {process.request_model(running)}"
    return changed


def _prepare_account(settings: Settings) -> None:
    """Create the account's prerequisites, as `make bootstrap` does on AWS."""
    from tools.deploy import service_linked_roles  # Imported here, because it loads boto3.

    service_linked_roles.make_missing(aws.client("iam", settings, GLOBAL_REGION))


def release(settings: Settings, found: dict[str, Any]) -> str:
    """Release as a deployment does after Terraform: shift aliases, prepare database users, migrate."""
    # Imported here: loading boto3 takes half a second, and overlaps with other work.
    from tools.deploy import (
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
    """Release functions whose code differs from `build/`, which Terraform does not detect."""
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
