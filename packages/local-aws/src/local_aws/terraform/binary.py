"""The `terraform` command: from PATH, else the pinned release with its checksum verified."""

import hashlib
import io
import os
import platform
import re
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

from local_aws.callers_environment import for_terraform

VERSION = "1.11.4"
MINIMUM = (1, 11)
# From HashiCorp's terraform_1.11.4_SHA256SUMS.
SHA256 = {
    "darwin_amd64": "a56d5002b9f7647291faccc3dd1a70350e60fb61e4c45037629508b8fdc2575b",
    "darwin_arm64": "867e0808fa971217043e25b7a792b10720c79b1546f8a68479b74f138be73e18",
    "linux_amd64": "1ce994251c00281d6845f0f268637ba50c0005657eb3cf096b92f753b42ef4dc",
    "linux_arm64": "a43d1d0da9b9bab214a8305a39db0e40869572594ccf50c416a7756499143633",
}
MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


class TerraformMissingError(Exception):
    """No usable terraform was found. The message says how to install one."""


def terraform(cache: Path) -> str:
    """Return the path of a terraform of at least `MINIMUM`; download it to `cache` if needed."""
    if (found := shutil.which("terraform")) and version_of(found) >= MINIMUM:
        return found
    own = cache / f"terraform-{VERSION}"
    if not own.exists():
        _install(own)
    return str(own)


def version_of(command: str) -> tuple[int, ...]:
    environment = for_terraform(os.environ)
    asked = [command, "version"]
    shown = subprocess.run(asked, env=environment, capture_output=True, text=True).stdout
    match = re.search(r"Terraform v(\d+)\.(\d+)", shown)
    return tuple(int(part) for part in match.groups()) if match else (0,)


def _install(target: Path) -> None:
    name = f"{platform.system().lower()}_{MACHINES.get(platform.machine().lower(), 'unknown')}"
    advice = f"Install Terraform {VERSION} (https://developer.hashicorp.com/terraform/install), then run the command again."
    if name not in SHA256:
        raise TerraformMissingError(
            f"terraform is not on PATH, and no release is pinned for {name}. {advice}"
        )
    url = f"https://releases.hashicorp.com/terraform/{VERSION}/terraform_{VERSION}_{name}.zip"
    try:
        with urllib.request.urlopen(url, timeout=60) as response:
            archive = response.read()
    except (urllib.error.URLError, TimeoutError) as error:
        raise TerraformMissingError(
            f"terraform is not on PATH and {url} cannot be reached ({error}). {advice}"
        ) from error
    if (got := hashlib.sha256(archive).hexdigest()) != SHA256[name]:
        raise TerraformMissingError(
            f"{url} has checksum {got}, not the pinned {SHA256[name]}. Nothing was installed. {advice}"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    # Another process may install it concurrently, so unpack into a private folder first.
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        whole = Path(scratch) / "terraform"
        whole.write_bytes(zipfile.ZipFile(io.BytesIO(archive)).read("terraform"))
        whole.chmod(0o755)
        whole.replace(target)
