"""`local-aws up`: start the services, and apply a Terraform root to them."""

import sys
from typing import Any

from local_aws.commands.root import Root
from local_aws.settings import Settings
from local_aws.supervisor import applying, movable_clock, process, source
from local_aws.supervisor.bring_up import bring_up
from local_aws.supervisor.lock import locked
from local_aws.supervisor.process import Launch
from local_aws.supervisor.progress import phase
from local_aws.supervisor.ready import Running
from local_aws.terraform.record import Record


def up(settings: Settings, applies: bool) -> dict[str, Any]:
    """Start the services, apply the root if `applies`, and return Terraform's outputs.

    Raises:
        StackError, TerraformError, TerraformMissingError: A phase failed; the message says what to do.
    """
    if applies:
        Root(settings).check()
    with locked(settings, "up"):
        (settings.state / ".gitignore").write_text("*\n")
        with phase("local AWS") as current:
            record = Record.of(settings, settings.terraform_state)
            running = bring_up(settings, record, _launch(settings), current)
        if running.notice:
            print(f"    {running.notice}", file=sys.stderr)
        return _apply(Root(settings), running) if applies else {}


def _launch(settings: Settings) -> Launch:
    runtime = settings.state / "runtime"
    if not runtime.is_dir():
        from local_aws.lambda_service.runtime_folder import link_runtime  # imports moto

        link_runtime(runtime)
    return Launch(runtime, source.digest(), movable_clock.is_wanted(settings))


def _apply(root: Root, running: Running) -> dict[str, Any]:
    with phase("terraform init"):
        root.init()
    with phase("terraform apply") as current:
        applying.apply(root, current, running)
    with phase("snapshot") as current:
        size = process.save(root.settings, running)["bytes"]
        current.detail = f"{size / 1e6:.1f} MB; a later start continues from here"
    return root.outputs()
