"""A Terraform root that is applied to a local AWS."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local_aws.callers_environment import for_terraform, no_aws_files
from local_aws.settings import Settings
from local_aws.terraform import providers
from local_aws.terraform.binary import terraform
from local_aws.terraform.command import OnEvent, TerraformCommand, TerraformError
from local_aws.terraform.environment import aws_environment
from local_aws.terraform.record import Record


class LocalRoot:
    """A folder of `.tf` files, whose state `record` holds."""

    state_options: tuple[str, ...] = ()  # options of every command that reads or writes the state

    def __init__(self, settings: Settings, folder: Path, record: Record) -> None:
        self.settings = settings
        self.folder = folder
        self.record = record
        self.command = terraform(settings.state / "bin")

    def apply(
        self, on_event: OnEvent, started: Callable[[TerraformCommand], None] = lambda _: None
    ) -> None:
        """Apply, and pass each of Terraform's JSON events to `on_event`.

        Raises:
            TerraformError: It failed or was killed; if killed, `record.apply_cut_off` stays True.
        """
        command = self._start("apply", "-auto-approve", "-input=false", "-json", "-parallelism=30")
        self.record.mark(command.pid)
        started(command)
        try:
            self._follow(command, on_event)
        finally:
            if command.ended_itself:
                self.record.unmark()

    def destroy(self) -> None:
        """Destroy all resources. Raise TerraformError if it fails."""
        self._follow(
            self._start("destroy", "-auto-approve", "-input=false", "-json", "-parallelism=30"),
            lambda _: None,
        )

    def planned_changes(self) -> list[tuple[str, str]]:
        """Return the (action, address) of each planned change; empty if there is no drift."""
        events: list[dict[str, Any]] = []
        self._follow(self._start("plan", "-input=false", "-json"), events.append)
        changes = [event["change"] for event in events if event.get("type") == "planned_change"]
        return [(change["action"], change["resource"]["addr"]) for change in changes]

    def outputs(self) -> dict[str, Any]:
        shown = json.loads(self.run("output", *self.state_options, "-json").stdout)
        return {name: entry["value"] for name, entry in shown.items()}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end. Raise TerraformError with Terraform's message if it fails."""
        done = subprocess.run(
            [self.command, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise TerraformError((done.stderr or done.stdout).strip())
        return done

    def environment(self) -> dict[str, str]:
        # The caller's AWS settings (profile, token, endpoints) must not reach the local AWS.
        inherited = {
            name: value
            for name, value in for_terraform(os.environ).items()
            if not name.startswith("AWS_")
        }
        # The provider is short-lived, and garbage collection takes a third of its time.
        return (
            {"GOGC": "400"}
            | inherited
            | no_aws_files()
            | aws_environment(self.settings)
            | providers.environment(self.settings.state)
            | {"TF_IN_AUTOMATION": "1"}
        )

    def _start(self, command: str, *arguments: str) -> TerraformCommand:
        whole = [self.command, command, *self.state_options, *arguments]
        return TerraformCommand(whole, self.folder, self.environment())

    def _follow(self, command: TerraformCommand, on_event: OnEvent) -> None:
        errors: list[str] = []

        def keep_errors(event: dict[str, Any]) -> None:
            if event.get("@level") == "error":
                errors.append(_error_text(event))
            on_event(event)

        command.follow(keep_errors)
        if errors:
            raise TerraformError("\n".join(errors))


def _error_text(event: dict[str, Any]) -> str:
    diagnostic = event.get("diagnostic") or {}
    where = diagnostic.get("address") or diagnostic.get("range", {}).get("filename", "")
    return " ".join(
        part
        for part in (
            event.get("@message", ""),
            f"({where})" if where else "",
            diagnostic.get("detail", ""),
        )
        if part
    )
