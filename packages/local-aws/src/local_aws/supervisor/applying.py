"""Apply a Terraform root to a running local AWS."""

import json
import threading
import time
from typing import Any

from local_aws.supervisor import process, ready
from local_aws.supervisor.progress import Phase
from local_aws.supervisor.ready import Running
from local_aws.terraform.command import TerraformCommand
from local_aws.terraform.local_root import LocalRoot


def apply(root: LocalRoot, current: Phase, running: Running) -> int:
    """Apply, show the progress, and return the number of changed resources."""
    totals = {"planned": 0, "done": 0}
    waiting: dict[str, float] = {}

    def on_event(event: dict[str, Any]) -> None:
        log.write(json.dumps(event) + "\n")
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
    process.save(root.settings, running)  # the state that an interrupted apply is reset to
    over = threading.Event()
    # The events have times, which show what a slow apply waited for.
    with (root.settings.logs / "terraform.jsonl").open("w") as log:
        try:
            root.apply(on_event, lambda command: _watch(command, running, over))
        finally:
            over.set()
    changed = f"{totals['done']} resources changed" if totals["done"] else "nothing to change"
    current.detail = changed
    return totals["done"]


def _watch(command: TerraformCommand, running: Running, over: threading.Event) -> None:
    """Kill Terraform if the local AWS ends, since it would retry for minutes."""

    def watch() -> None:
        while not over.wait(0.5):
            if not ready.is_alive(running.pid):
                command.kill()
                return

    threading.Thread(target=watch, daemon=True).start()


def _waiting_for(waiting: dict[str, float]) -> str:
    if not waiting:
        return ""
    oldest = min(waiting, key=lambda address: waiting[address])
    return f", waiting for {oldest.removeprefix('module.')}"
