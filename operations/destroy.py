"""`make destroy ENV=dev`: takes an environment away, and nothing of it while anything in it is still protected.

dev goes after Terraform's own question. Every other environment wants two steps: its protection lifted in locals.tf,
committed and applied; then its name typed as CONFIRM.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
GOES_AT_ONCE = "dev"
# Whatever is set otherwise, AWS refuses to delete the resource: half of the environment would be gone by then.
UNPROTECTED = {"deletion_protection": (None, False, "INACTIVE"), "deletion_protection_enabled": (None, False)}


class RefusedError(Exception):
    """Why nothing was destroyed, and what to do first."""


def main() -> int:
    """Exit status: Terraform's own, or 1 with the reason on stderr."""
    parser = argparse.ArgumentParser(prog="python -m operations.destroy", description=__doc__)
    parser.add_argument("environment", help="dev, prod, …: a folder of envs/")
    parser.add_argument("--confirm", default="", help="name of the environment, such as atrium-prod")
    parser.add_argument("--envs", type=Path, default=ROOT / "envs", help="folder of the environments")
    options = parser.parse_args()
    try:
        return destroy(options.envs / options.environment, options.confirm)
    except RefusedError as refused:
        print(f"destroy: {refused}", file=sys.stderr)
        return 1


def destroy(folder: Path, confirm: str) -> int:
    """Raises RefusedError before anything is changed."""
    name = require_lifted(folder)
    require_confirmation(folder.name, name, confirm)
    if not (held := list(resources(state(folder)))):
        print(f"destroy: {name} holds nothing.")
        return 0
    if protected := sorted(resource["address"] for resource in held if is_protected(resource)):
        raise RefusedError(
            f"{name} is still protected in AWS: {', '.join(protected)}. "
            f"Apply what {folder.name}/locals.tf says first: `terraform -chdir={folder} apply`."
        )
    command = ["terraform", f"-chdir={folder}", "destroy", *(["-auto-approve"] if confirm else [])]
    return subprocess.run(command).returncode


def require_lifted(folder: Path) -> str:
    """The environment's name, <project>-<stage>, if its files do not protect it."""
    file = folder / "locals.tf"
    if not file.is_file():
        environments = sorted(found.parent.name for found in folder.parent.glob("*/locals.tf"))
        raise RefusedError(f"{folder.name!r} cannot be destroyed. ENV is one of: {', '.join(environments)}.")
    text = file.read_text()
    if _setting(text, "deletion_protection", file) != "false":
        raise RefusedError(
            f"{folder.name} is protected. First say `deletion_protection = false` in {file}, commit and apply it. "
            "Then run this again."
        )
    return f"{_setting(text, 'project', file)}-{_setting(text, 'stage', file)}"


def _setting(text: str, name: str, file: Path) -> str:
    found = re.search(rf'^  {name}\s*= "?(\w+)"?$', text, re.MULTILINE)
    if found is None:
        raise RefusedError(f"{file} does not say `{name} = …` on a line of its own. Add it.")
    return found[1]


def require_confirmation(environment: str, name: str, confirm: str) -> None:
    if confirm != name and (confirm or environment != GOES_AT_ONCE):
        given = f"CONFIRM is {confirm!r}. " if confirm else ""
        raise RefusedError(f"{given}To destroy {name} for good: make destroy ENV={environment} CONFIRM={name}")


def state(folder: Path) -> dict[str, Any]:
    """What Terraform knows to exist."""
    shown = subprocess.run(["terraform", f"-chdir={folder}", "show", "-json"], capture_output=True, text=True)
    if shown.returncode:
        raise RefusedError(
            f"Terraform cannot read the state of {folder.name}. "
            f"envs/README.md says how to init it.\n{shown.stderr.strip()}"
        )
    root: dict[str, Any] = json.loads(shown.stdout).get("values", {}).get("root_module", {})
    return root


def resources(module: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from (resource for resource in module.get("resources", []) if resource["mode"] == "managed")
    for child in module.get("child_modules", []):
        yield from resources(child)


def is_protected(resource: dict[str, Any]) -> bool:
    return any(resource["values"].get(name) not in harmless for name, harmless in UNPROTECTED.items())


if __name__ == "__main__":
    sys.exit(main())
