"""The search for a local mirror of the aws provider, for machines that cannot reach the registry.

Terraform's own rules come first: a CLI configuration named by TF_CLI_CONFIG_FILE, and its implied
mirrors
(https://developer.hashicorp.com/terraform/cli/config/config-file#implied-local-mirror-directories).
If neither holds the provider, a generated configuration names a folder under the usual add-on
roots.
"""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

PROVIDER = Path("registry.terraform.io/hashicorp/aws")
ADDON_ROOTS = ("/opt", "/usr/local/share", "/usr/share", "/usr/local/lib", "/usr/lib", "/var/lib")


def environment(state: Path) -> dict[str, str]:
    """Return the variables that let `terraform init` find the provider; empty if none are needed."""
    named = os.environ.get("TF_CLI_CONFIG_FILE")
    if named and Path(named).is_file() and not os.environ.get("TF_PLUGIN_MIRROR"):
        return {}
    mirror = find_mirror(os.environ)
    if mirror is None:
        # A named but missing file makes Terraform warn at every command: an empty one keeps it
        # quiet and changes nothing.
        return {"TF_CLI_CONFIG_FILE": os.devnull} if named else {}
    config = state / "terraform.rc"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(
        "provider_installation {\n"
        f'  filesystem_mirror {{\n    path    = {quoted(mirror)}\n    include = ["hashicorp/aws"]\n  }}\n'
        '  direct {\n    exclude = ["hashicorp/aws"]\n  }\n}\n'
    )
    return {"TF_CLI_CONFIG_FILE": str(config)}


def quoted(path: Path) -> str:
    """Return a path as a string of HCL, without its templates."""
    text = json.dumps(str(path), ensure_ascii=False)
    return text.replace("${", "$${").replace("%{", "%%{")


def find_mirror(environment: Mapping[str, str]) -> Path | None:
    """Return a folder with the aws provider that Terraform does not search; None if it needs none."""
    if (asked_for := environment.get("TF_PLUGIN_MIRROR")) and (Path(asked_for) / PROVIDER).is_dir():
        return Path(asked_for)
    if any((folder / PROVIDER).is_dir() for folder in implied_mirrors(environment)):
        return None
    return next((folder for folder in _addon_folders() if (folder / PROVIDER).is_dir()), None)


def implied_mirrors(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or Path.home())
    yield home / ".terraform.d/plugins"
    yield Path(environment.get("XDG_DATA_HOME") or home / ".local/share") / "terraform/plugins"
    yield home / "Library/Application Support/io.terraform/plugins"
    yield Path("/usr/local/share/terraform/plugins")
    yield Path("/usr/share/terraform/plugins")


def _addon_folders() -> Iterator[Path]:
    for root in map(Path, ADDON_ROOTS):
        yield root
        yield from sorted(root.glob("*/"))
        yield from sorted(root.glob("*/*/"))
